import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './logger.ts';
import { withoutPassword } from './settings.ts';

interface RedisSettings {
  url: string;
  /** What the connection is for; it shows in CLIENT LIST as `chat-{role}`. */
  role: string;
  logger: Logger;
  /** Milliseconds after which a command without an answer fails. */
  timeoutMs: number;
}

/**
 * Connects to Redis in the background: the process starts whether Redis is there or not, and looks for it again for
 * ever. Commands fail at once while it is away (see isRedisAway) and after `timeoutMs` when it does not answer;
 * none is sent twice.
 */
export function connectRedis(settings: RedisSettings): Redis {
  const redis = new Redis(redisOptions(settings));
  logState(redis, settings);
  // Failures come as events and are retried; the promise says nothing more.
  redis.connect().catch(() => undefined);
  return redis;
}

/** Resolves when the connection takes commands. */
export function redisReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => redis.once('ready', () => resolve()));
}

/** Ends the connection after the answers that are due, or at once when Redis is away. */
export async function closeRedis(redis: Redis): Promise<void> {
  try {
    if (redis.status === 'ready') await redis.quit();
  } catch {
    // It went away meanwhile.
  } finally {
    redis.disconnect();
  }
}

/** Delay before the nth attempt in a row, in milliseconds: doubles up to 2 s, the upper half of it by chance. */
export function reconnectDelay(attempt: number): number {
  const ceiling = Math.min(2000, 50 * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

function redisOptions({ url, role, timeoutMs }: RedisSettings): RedisOptions {
  return {
    ...addressOf(url),
    connectionName: `chat-${role}`,
    lazyConnect: true,
    connectTimeout: Math.max(timeoutMs, 1000),
    commandTimeout: timeoutMs,
    // A connection whose other end vanished without a word: nothing came for so long after a command.
    socketTimeout: Math.max(3 * timeoutMs, 5000),
    retryStrategy: reconnectDelay,
    // 0: a command in flight fails when the connection is lost; by default it would be sent again, perhaps twice done.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // After a failover the old primary answers READONLY: find the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function addressOf(url: string): RedisOptions {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 6379 : Number(port),
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    db: Number(pathname.slice(1)),
    tls: protocol === 'rediss:' ? {} : undefined,
  };
}

/** One line when Redis goes away and one when it is there, whatever the number of attempts between them. */
function logState(redis: Redis, { url, role, logger }: RedisSettings): void {
  const address = withoutPassword(url);
  let up: boolean | undefined;
  let lastError: unknown;
  redis.on('error', (error) => {
    lastError = error;
  });
  redis.on('ready', () => {
    logger.info({ redis: address, role }, up === false ? 'redis is back' : 'redis is connected');
    up = true;
    lastError = undefined;
  });
  redis.on('close', () => {
    if (up === false) return;
    // The last close of a shutdown is wanted; 'end' follows it at once.
    setImmediate(() => {
      if (redis.status === 'end' || up === false) return;
      up = false;
      logger.warn({ redis: address, role, err: lastError }, 'redis is away, trying again');
    });
  });
}
