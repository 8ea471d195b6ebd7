import { performance } from 'node:perf_hooks';
import { CLUSTER_CHANNEL, encodeEnvelope } from '@chat/protocol';
import type { Redis } from 'ioredis';
import type { RealtimeMetrics } from './metrics.ts';

const INTERVAL_MS = 1000;
/** Own heartbeats not heard in a row after which the subscription is deaf. */
const MISSED = 5;

interface HeartbeatOptions {
  serverId: string;
  redis: Redis;
  metrics: RealtimeMetrics;
  /** Undefined when this server takes no clients, so that none are sent to it: while it drains or is not ready. */
  sockets: () => number | undefined;
  /** Redis does not take commands. */
  onAway: () => void;
  /** The subscription does not deliver though publishing works. */
  onDeaf: () => void;
}

/**
 * Publishes a heartbeat every second and listens for it: the proof that the whole relay path works. Both channels come
 * over one connection, which counts as subscribed once Redis confirmed both, so hearing one proves both.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #sent = new Map<number, number>();
  #count = 0;
  #missed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** True when too many in a row were not heard. */
  get deaf(): boolean {
    return this.#missed >= MISSED;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#beat(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  heard(envelope: Buffer): void {
    const count = Number(/"count":(\d+)/.exec(envelope.toString('latin1'))?.[1]);
    const sentAt = this.#sent.get(count);
    if (sentAt === undefined) return;
    this.#options.metrics.heartbeatLatency((performance.now() - sentAt) / 1000);
    this.#sent.clear();
    this.#missed = 0;
  }

  async #beat(): Promise<void> {
    const { serverId, redis, sockets, onAway, onDeaf } = this.#options;
    const count = ++this.#count;
    // Noted before it is sent: the reply and the heartbeat itself come over two connections, in any order.
    const missed = this.#sent.size > 0;
    this.#sent.set(count, performance.now());
    try {
      await redis.publish(
        CLUSTER_CHANNEL,
        encodeEnvelope(serverId, 'server.heartbeat', { count, sockets: sockets() }),
      );
    } catch {
      // That says nothing of the subscription.
      this.#sent.delete(count);
      onAway();
      return;
    }
    // The one before was not there a second later.
    if (!missed) return;
    this.#missed++;
    if (this.#missed % MISSED === 0) onDeaf();
  }
}
