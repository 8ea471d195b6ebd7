import { randomUUID } from 'node:crypto';
import {
  connectRedis,
  createLogger,
  createMetrics,
  loadConfig,
  pingRedis,
  Readiness,
  redisReady,
  serve,
} from '@chat/kit';
import type { User } from '@chat/protocol';
import { Appender, draft, keys, Sessions, Users } from '@chat/store';
import { Redis } from 'ioredis';
import { type Answer, type ApiRequest, OpenApi } from '../../../test/harness/openapi.ts';
import { startRedis } from '../../../test/harness/redis.ts';
import { createApp } from '../src/app.ts';
import { schema } from '../src/config.ts';

export const openApi = new OpenApi(new URL('../openapi.yaml', import.meta.url));

/** A user with a session. */
export interface Visitor extends User {
  token: string;
  sessionHash: string;
  /** Asks the service as this user and checks its answer against openapi.yaml. */
  ask(path: string, request?: ApiRequest): Promise<Answer>;
  /** Adds messages to a room, oldest first, and tells their dates. */
  say(roomId: string, ...texts: string[]): Promise<number[]>;
}

export interface HistoryServer {
  url: string;
  serverId: string;
  /** The Redis that this service has for itself. */
  redisServer: Awaited<ReturnType<typeof startRedis>>;
  /** A connection of the tests to it, for what a foreign server would write. */
  redis: Redis;
  /** Asks without a session. */
  ask(path: string, request?: ApiRequest): Promise<Answer>;
  visitor(name?: string): Promise<Visitor>;
  stop(): Promise<void>;
}

/** The history service on a free port with a Redis of its own, as main.ts puts it together. */
export async function startHistory(env: Record<string, string> = {}): Promise<HistoryServer> {
  const redisServer = await startRedis();
  const config = loadConfig(schema, { REDIS_URL: redisServer.url, ...env });
  const logger = createLogger({ name: 'history', level: 'silent' });
  const own = connectRedis({
    url: config.REDIS_URL,
    role: 'history-test',
    logger,
    timeoutMs: config.REDIS_TIMEOUT_MS,
  });
  await redisReady(own);
  const readiness = new Readiness();
  readiness.probe('redis', () => pingRedis(own, config.REDIS_TIMEOUT_MS));
  const serverId = `history-test-${randomUUID()}`;
  const metrics = createMetrics({ service: 'history', serverId });
  const app = createApp({ config, redis: own, serverId, logger, metrics, readiness });
  const server = await serve(app, { host: '127.0.0.1', port: 0 });

  const redis = new Redis(redisServer.url);
  // It is away when a test takes the server away.
  redis.on('error', () => undefined);
  const users = new Users(redis);
  const sessions = new Sessions(redis, { ttlSeconds: config.SESSION_TTL_SECONDS, serverId });
  const appender = new Appender(redis, { serverId: 'history-test-sender', keep: 0 });
  const ask = (path: string, request: ApiRequest = {}) => openApi.fetch(server.url, path, request);

  return {
    url: server.url,
    serverId,
    redisServer,
    redis,
    ask,
    async visitor(name = `ann-${randomUUID().slice(0, 12)}`) {
      const user = (await users.create(name, 'no password'))!;
      const { token, hash } = await sessions.create(user);
      return {
        ...user,
        token,
        sessionHash: hash,
        ask: (path, request = {}) =>
          ask(path, { ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } }),
        async say(roomId, ...texts) {
          const drafts = texts.map((text) => draft(user.id, roomId, text, undefined, false));
          return (await appender.append(roomId, drafts)).map(({ date }) => Number(date));
        },
      };
    },
    async stop() {
      await server.close();
      own.disconnect();
      redis.disconnect();
      await redisServer.stop();
    },
  };
}

/** Adds a message as a server in another language would: its own layout, the date in whole seconds. */
export function foreignMessage(
  redis: Redis,
  roomId: string,
  date: number,
  fields: Record<string, unknown>,
): Promise<unknown> {
  return redis.zadd(keys.room(roomId), date, JSON.stringify({ date, ...fields }, null, 1));
}
