import { closeRedis, connectRedis, type Logger, pingRedis, type RedisPlace } from '@chat/kit';
import { CHANNEL } from '@chat/protocol';
import type { Redis } from 'ioredis';

const PROBE_MS = 250;

interface RedisLinkOptions {
  place: RedisPlace;
  logger: Logger;
  onEnvelope: (envelope: Buffer) => void;
  /** The subscription (re)started: relays before this moment may have been missed. */
  onSubscribed: () => void;
  /** Commands are answered again after {@link RedisLink.lost}. */
  onRestored: () => void;
}

/** The two connections of a replica: one for commands, one that listens to MESSAGES. */
export class RedisLink {
  readonly commands: Redis;
  readonly #options: RedisLinkOptions;
  readonly #subscriber: Redis;
  #subscribed = false;
  #probe: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RedisLinkOptions) {
    const { place, logger } = options;
    this.#options = options;
    this.commands = connectRedis({ ...place, role: 'realtime', logger });
    this.#subscriber = connectRedis({ ...place, role: 'realtime-relay', logger });
    this.#subscriber.on('ready', () => void this.#subscribe());
    this.#subscriber.on('close', () => {
      this.#subscribed = false;
    });
    this.#subscriber.on('messageBuffer', (_channel: Buffer, envelope: Buffer) =>
      options.onEnvelope(envelope),
    );
  }

  get subscribed(): boolean {
    return this.#subscribed;
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
    await Promise.all([closeRedis(this.#subscriber), closeRedis(this.commands)]);
  }

  async #look(): Promise<void> {
    const there =
      this.commands.status === 'ready' && (await pingRedis(this.commands, this.#options.place.timeoutMs));
    if (this.#closed) return;
    this.#probe = undefined;
    if (there) this.#options.onRestored();
    else this.lost();
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#subscriber.subscribe(CHANNEL);
      this.#subscribed = true;
      this.#options.onSubscribed();
    } catch (err) {
      if (this.#closed) return;
      this.#options.logger.warn({ err }, 'subscribing failed, connecting anew');
      this.#subscriber.disconnect(true);
    }
  }
}
