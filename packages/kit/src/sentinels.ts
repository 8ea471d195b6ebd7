import { Redis } from 'ioredis';
import { reconnectDelay } from './reconnect-delay.ts';
import type { RedisPlace, SentinelSettings } from './redis.ts';

/** What a sentinel publishes when it takes another server for the master. */
const SWITCHED = '+switch-master';

interface SentinelsOptions extends Pick<RedisPlace, 'url' | 'timeoutMs'> {
  sentinels: SentinelSettings;
  /** A sentinel takes another server for the master; each of them tells. */
  onSwitch?: () => void;
}

/**
 * A connection to each sentinel, beside those by which ioredis asks for the master. It comes back by itself, and listens
 * in place of the detector of ioredis, which subscribes again with a promise that nobody can catch.
 */
export class Sentinels {
  readonly #name: string;
  readonly #clients: Redis[];

  constructor({ sentinels, url, timeoutMs, onSwitch }: SentinelsOptions) {
    const { addresses, name, password } = sentinels;
    this.#name = name;
    this.#clients = addresses.map(({ host, port }) => {
      const client = new Redis({
        ...{ host, port, password },
        tls: url.startsWith('rediss:') ? {} : undefined,
        connectTimeout: Math.max(timeoutMs, 1000),
        commandTimeout: timeoutMs,
        socketTimeout: Math.max(3 * timeoutMs, 5000),
        retryStrategy: (attempt) => reconnectDelay(attempt),
        maxRetriesPerRequest: 0,
        enableOfflineQueue: false,
        enableReadyCheck: false,
        autoResubscribe: false,
      });
      // Without an answer there are the other sentinels.
      client.on('error', () => undefined);
      if (!onSwitch) return client;
      client.on('ready', () => void client.subscribe(SWITCHED).catch(() => undefined));
      client.on('message', (_channel, news: string) => {
        if (news.startsWith(`${name} `)) onSwitch();
      });
      return client;
    });
  }

  /** What each sentinel knows of the replicas, field by field; undefined for one that does not answer. */
  replicas(): Promise<(Map<string, string>[] | undefined)[]> {
    return Promise.all(
      this.#clients.map(async (client) => {
        const reply = await client.call('SENTINEL', 'REPLICAS', this.#name).catch(() => undefined);
        return (reply as string[][] | undefined)?.map(fields);
      }),
    );
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

/** Of names and values in turn. */
function fields(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let index = 0; index < flat.length; index += 2) map.set(flat[index]!, flat[index + 1]!);
  return map;
}
