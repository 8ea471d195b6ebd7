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
import type { Redis } from 'ioredis';
import { inject } from 'vitest';
import { type Answer, type ApiRequest, OpenApi } from '../../../test/harness/openapi.ts';
import { createApp } from '../src/app.ts';
import { schema } from '../src/config.ts';

export const openApi = new OpenApi(new URL('../openapi.yaml', import.meta.url));

export interface AuthServer {
  url: string;
  /** The connection that the service uses. */
  redis: Redis;
  serverId: string;
  /** Asks the service and checks its answer against openapi.yaml. */
  ask(path: string, request?: ApiRequest): Promise<Answer>;
  stop(): Promise<void>;
}

/** The auth service on a free port, with cheap hashes, by default on the Redis that all test files share. */
export async function startAuth(env: Record<string, string> = {}): Promise<AuthServer> {
  const config = loadConfig(schema, {
    REDIS_URL: inject('redisUrl'),
    BCRYPT_COST: '4',
    // Every test file has the same address; those about limits take others by X-Forwarded-For.
    LOGIN_ATTEMPTS_PER_ADDRESS: '100000',
    REGISTRATIONS_PER_ADDRESS: '100000',
    TRUST_PROXY: 'true',
    ...env,
  });
  const logger = createLogger({ name: 'auth', level: 'silent' });
  const redis = connectRedis({
    url: config.REDIS_URL,
    role: 'auth-test',
    logger,
    timeoutMs: config.REDIS_TIMEOUT_MS,
  });
  await redisReady(redis);
  const readiness = new Readiness();
  readiness.probe('redis', () => pingRedis(redis, config.REDIS_TIMEOUT_MS));
  const serverId = `auth-test-${randomUUID()}`;
  const metrics = createMetrics({ service: 'auth', serverId });
  const app = createApp({ config, redis, serverId, logger, metrics, readiness });
  const server = await serve(app, { host: '127.0.0.1', port: 0 });
  return {
    url: server.url,
    redis,
    serverId,
    ask: (path, request) => openApi.fetch(server.url, path, request),
    async stop() {
      await server.close();
      redis.disconnect();
    },
  };
}

/** A name that no other test has. */
export function uniqueName(start = 'ann'): string {
  return `${start}-${randomUUID().slice(0, 12)}`;
}

/** The value of the cookie sid that an answer sets. */
export function cookieOf(answer: Answer): string | undefined {
  return /(?:^|, )sid=([^;]*)/.exec(answer.headers.get('set-cookie') ?? '')?.[1];
}
