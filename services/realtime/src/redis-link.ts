import {
  type CoalescedWrites,
  closeRedis,
  coalesceWrites,
  connectRedis,
  ElectableReplicas,
  isWritable,
  type Logger,
  type RedisPlace,
} from '@chat/kit';
import { CHANNEL, CLUSTER_CHANNEL } from '@chat/protocol';
import { keys } from '@chat/store';
import type { Redis } from 'ioredis';

const PROBE_MS = 250;

/** How long an append waits for replicas of Redis, in milliseconds: its reply must come before the command times out. */
export function waitMs({ timeoutMs }: RedisPlace): number {
  return Math.ceil(timeoutMs / 2);
}

interface RedisLinkOptions {
  place: RedisPlace;
  /** The fewest replicas of Redis that appends wait for; 0 is none, whatever the sentinels say. */
  waitReplicas: number;
  logger: Logger;
  onEnvelope: (channel: Buffer, envelope: Buffer) => void;
  /** The subscription (re)started: relays before this moment may have been missed. */
  onSubscribed: () => void;
  /** Commands are answered again after {@link RedisLink.lost}. */
  onRestored: () => void;
}

/** The connections of a replica: one for commands, one that listens to both channels, and one for appends that wait. */
export class RedisLink {
  readonly commands: Redis;
  /** The same as commands, unless appends wait for replicas: nothing else is to wait behind them. */
  readonly appends: Redis;
  readonly #options: RedisLinkOptions;
  readonly #subscriber: Redis;
  readonly #electable: ElectableReplicas | undefined;
  readonly #writes: CoalescedWrites;
  #subscribed = false;
  #probe: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RedisLinkOptions) {
    const { place, waitReplicas, logger } = options;
    this.#options = options;
    this.commands = connectRedis({ ...place, role: 'realtime', logger });
    this.#writes = coalesceWrites(this.commands);
    this.appends =
      waitReplicas > 0 ? connectRedis({ ...place, role: 'realtime-append', logger }) : this.commands;
    if (waitReplicas > 0 && place.sentinels) {
      this.#electable = new ElectableReplicas({ ...place, sentinels: place.sentinels });
    }
    this.#subscriber = connectRedis({ ...place, role: 'realtime-relay', logger });
    this.#subscriber.on('ready', () => void this.#subscribe());
    this.#subscriber.on('close', () => {
      this.#subscribed = false;
    });
    this.#subscriber.on('messageBuffer', options.onEnvelope);
  }

  get subscribed(): boolean {
    return this.#subscribed;
  }

  /** How many replicas of Redis must have a message before it is acknowledged: all that may become the master. */
  get replicasNeeded(): number {
    return Math.max(this.#options.waitReplicas, this.#electable?.count ?? 0);
  }

  /** Calls back before the commands of this turn leave. */
  beforeLeaving(callback: () => void): void {
    this.#writes.beforeLeaving(callback);
  }

  /** Sends the commands given so far without waiting for the end of the turn. */
  flush(): void {
    this.#writes.flush();
  }

  /** A command failed as Redis is away: looks until it answers, then tells onRestored once. */
  lost(): void {
    if (this.#probe !== undefined || this.#closed) return;
    this.#probe = setTimeout(() => void this.#look(), PROBE_MS);
  }

  /** The subscription is deaf though its connection lives: connect anew. */
  resubscribe(): void {
    this.#subscribed = false;
    this.#subscriber.disconnect(true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#probe);
    this.#electable?.close();
    await Promise.all([this.#subscriber, this.appends, this.commands].map(closeRedis));
  }

  async #look(): Promise<void> {
    const there = await this.#takesWrites();
    if (this.#closed) return;
    this.#probe = undefined;
    if (there) this.#options.onRestored();
    else this.lost();
  }

  async #takesWrites(): Promise<boolean> {
    const { place } = this.#options;
    const needed = this.replicasNeeded;
    if (this.commands.status !== 'ready' || this.appends.status !== 'ready') return false;
    if (!(await isWritable(this.commands, keys.writeProbe, place.timeoutMs))) return false;
    if (needed === 0) return true;
    const replicas = await this.appends.wait(needed, waitMs(place)).catch(() => 0);
    return replicas >= needed;
  }

  async #subscribe(): Promise<void> {
    try {
      // Resolves when both are confirmed.
      await this.#subscriber.subscribe(CHANNEL, CLUSTER_CHANNEL);
      this.#subscribed = true;
      this.#options.onSubscribed();
    } catch (err) {
      if (this.#closed) return;
      this.#options.logger.warn({ err }, 'subscribing failed, connecting anew');
      this.#subscriber.disconnect(true);
    }
  }
}
