import { Redis, type RedisOptions } from 'ioredis';

/** Told by a sentinel when it takes another server for the master. */
const SWITCHED = '+switch-master';

/**
 * Listens to all sentinels for a change of the master. ioredis has a detector for that, which subscribes again without
 * looking at the outcome: a sentinel that goes away at that moment would end this process.
 *
 * @param sentinels how to connect to each
 * @param name what they call the master
 * @param onSwitch is told once by each sentinel
 * @returns ends the connections
 */
export function listenForSwitch(
  sentinels: readonly RedisOptions[],
  name: string,
  onSwitch: () => void,
): () => void {
  const clients = sentinels.map((options) => {
    const client = new Redis({
      ...options,
      autoResubscribe: false,
      enableReadyCheck: false,
      lazyConnect: true,
    });
    // The connection comes back by itself, and the other sentinels have the same news.
    client.on('error', () => undefined);
    client.on('ready', () => void client.subscribe(SWITCHED).catch(() => undefined));
    client.on('message', (_channel, news: string) => {
      if (news.startsWith(`${name} `)) onSwitch();
    });
    client.connect().catch(() => undefined);
    return client;
  });
  return () => {
    for (const client of clients) client.disconnect();
  };
}
