import { Redis, type RedisOptions } from 'ioredis';
import type { BaseConfig } from './config.ts';
import type { Logger } from './logger.ts';
import { reconnectDelay } from './reconnect-delay.ts';
import { Sentinels } from './sentinels.ts';
import { type HostPort, withoutPassword } from './settings.ts';

/** Sentinels that know which Redis is the master. */
export interface SentinelSettings {
  addresses: readonly HostPort[];
  /** What they call the master. */
  name: string;
  /** Of the sentinels; that of Redis stands in the URL. */
  password?: string;
}

/** Where Redis is. */
export interface RedisPlace {
  /** With sentinels only its user, password, database and TLS count: they give the address. */
  url: string;
  /** Unless the URL has one. */
  password?: string;
  sentinels?: SentinelSettings;
  /** Milliseconds after which a command without an answer fails. */
  timeoutMs: number;
}

interface RedisSettings extends RedisPlace {
  /** What the connection is for; it shows in CLIENT LIST as `chat-{role}`. */
  role: string;
  logger: Logger;
}

type RedisConfig = Pick<
  BaseConfig,
  | 'REDIS_URL'
  | 'REDIS_PASSWORD'
  | 'REDIS_TIMEOUT_MS'
  | 'REDIS_SENTINELS'
  | 'REDIS_SENTINEL_NAME'
  | 'REDIS_SENTINEL_PASSWORD'
>;

/** Where the settings of a service say that Redis is. */
export function redisPlace(config: RedisConfig): RedisPlace {
  const place: RedisPlace = {
    url: config.REDIS_URL,
    password: config.REDIS_PASSWORD,
    timeoutMs: config.REDIS_TIMEOUT_MS,
  };
  if (config.REDIS_SENTINELS.length === 0) return place;
  const { REDIS_SENTINEL_NAME: name, REDIS_SENTINEL_PASSWORD: password } = config;
  return { ...place, sentinels: { addresses: config.REDIS_SENTINELS, name, password } };
}

/**
 * Connects to Redis in the background: the process starts whether Redis is there or not, and looks for it again for
 * ever. Commands fail at once while it is away (see isRedisAway) and after `timeoutMs` when it does not answer;
 * none is sent twice. With sentinels it is always the master, and after a failover the new one. Whoever subscribes does
 * so again at each 'ready': ioredis would do it by itself, with a promise that nobody could catch.
 */
export function connectRedis(settings: RedisSettings): Redis {
  const redis = new Redis(redisOptions(settings));
  logState(redis, settings);
  neverGiveUp(redis, leaveDeposed(redis, settings));
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

/** Sentinels take a look-up a second from each connection easily, and how soon a new master is found hangs on it. */
const MAX_SENTINEL_DELAY_MS = 500;

function redisOptions({ url, password, sentinels, role, timeoutMs }: RedisSettings): RedisOptions {
  return {
    ...(sentinels ? behind(sentinels, url, timeoutMs) : addressOf(url)),
    ...loginOf(url, password),
    connectionName: `chat-${role}`,
    lazyConnect: true,
    connectTimeout: Math.max(timeoutMs, 1000),
    commandTimeout: timeoutMs,
    // A master that hangs does not take the end of a connection either: it is not to keep us from the new one.
    disconnectTimeout: 250,
    // A connection whose other end vanished without a word: nothing came for so long after a command.
    socketTimeout: Math.max(3 * timeoutMs, 5000),
    retryStrategy: (attempt) => reconnectDelay(attempt, sentinels && MAX_SENTINEL_DELAY_MS),
    // 0: a command in flight fails when the connection is lost; by default it would be sent again, perhaps twice done.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    // After a failover the old master answers READONLY: find the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function addressOf(url: string): RedisOptions {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6379 : Number(port) };
}

function loginOf(url: string, passwordBeside: string | undefined): RedisOptions {
  const { protocol, username, password, pathname } = new URL(url);
  return {
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || passwordBeside,
    db: Number(pathname.slice(1)),
    tls: protocol === 'rediss:' ? {} : undefined,
  };
}

function behind(
  { addresses, name, password }: SentinelSettings,
  url: string,
  timeoutMs: number,
): RedisOptions {
  const tls = url.startsWith('rediss:');
  return {
    sentinels: addresses.map(({ host, port }) => ({ host, port })),
    name,
    // Also looks whether the server that they name says of itself that it is the master.
    role: 'master',
    sentinelPassword: password,
    sentinelCommandTimeout: timeoutMs,
    enableTLSForSentinelMode: tls,
    sentinelTLS: tls ? {} : undefined,
    sentinelRetryStrategy: (attempt) => reconnectDelay(attempt, MAX_SENTINEL_DELAY_MS),
  };
}

/**
 * A master that hangs, or is cut off, closes no connection: the sentinels tell when it was replaced.
 *
 * @returns stops listening to them
 */
function leaveDeposed(redis: Redis, { sentinels, url, timeoutMs }: RedisSettings): () => void {
  if (!sentinels) return () => undefined;
  const onSwitch = () => {
    if (redis.status === 'ready' || redis.status === 'connect') redis.disconnect(true);
  };
  const listening = new Sentinels({ sentinels, url, timeoutMs, onSwitch });
  return () => listening.close();
}

/**
 * ioredis ends a connection for good when it is told to reconnect (after a failover, a deaf subscription) while it is
 * just connecting: then it starts anew, unless it was told to disconnect.
 */
function neverGiveUp(redis: Redis, onClosed: () => void): void {
  let closed = false;
  const disconnect = redis.disconnect.bind(redis);
  redis.disconnect = (reconnect = false) => {
    if (!reconnect) {
      closed = true;
      onClosed();
    }
    disconnect(reconnect);
  };
  redis.on('end', () => {
    if (!closed) redis.connect().catch(() => undefined);
  });
}

/** One line when Redis goes away and one when it is there, whatever the number of attempts between them. */
function logState(redis: Redis, { url, sentinels, role, logger }: RedisSettings): void {
  const address = sentinels ? nameOf(sentinels) : withoutPassword(url);
  let up: boolean | undefined;
  let lastError: unknown;
  const away = () => {
    if (up === false) return;
    up = false;
    logger.warn({ redis: address, role, err: lastError }, 'redis is away, trying again');
  };
  redis.on('error', (error) => {
    lastError = error;
    // Without a sentinel there is no connection that could close.
    if (redis.status === 'connecting') away();
  });
  redis.on('ready', () => {
    logger.info({ redis: address, role }, up === false ? 'redis is back' : 'redis is connected');
    up = true;
    lastError = undefined;
  });
  redis.on('close', () => {
    // The last close of a shutdown is wanted; 'end' follows it at once.
    setImmediate(() => {
      if (redis.status !== 'end') away();
    });
  });
}

function nameOf({ addresses, name }: SentinelSettings): string {
  return `${name} of sentinels ${addresses.map(({ host, port }) => `${host}:${port}`).join(',')}`;
}
