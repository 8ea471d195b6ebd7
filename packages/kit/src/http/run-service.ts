import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { z } from 'zod';
import { retryUntilDone } from '../background.ts';
import { baseSchema } from '../config.ts';
import { pingRedis, Readiness } from '../health.ts';
import { Lifecycle } from '../lifecycle.ts';
import { createLogger, type Logger } from '../logger.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import { closeRedis, connectRedis, redisPlace } from '../redis.ts';
import { createServerId } from '../server-id.ts';
import { flag, milliseconds } from '../settings.ts';
import { serve } from './serve.ts';
import type { App } from './state.ts';

/** The environment variables of the HTTP services, auth and history. */
export const httpSchema = baseSchema.extend({
  /** Writes the demo users, rooms and messages into an empty Redis. */
  DEMO_DATA: flag.default(true),
  /** How long a process that is about to end, and says so on /readyz, still serves: until the balancer has seen it. */
  SHUTDOWN_DELAY_MS: milliseconds.default(0),
});

/** What an HTTP service is built from. */
export interface ServiceParts<Config> {
  config: Config;
  redis: Redis;
  serverId: string;
  logger: Logger;
  metrics: Metrics;
  readiness: Readiness;
}

interface Service<Config> {
  name: string;
  config: Config;
  createApp(parts: ServiceParts<Config>): App;
  /** Writes the demo data, unless there is something. @returns true when it wrote. */
  seed(redis: Redis): Promise<boolean>;
}

/**
 * The life of an HTTP service: it listens at once, is ready when Redis answers and the demo data is there, and ends in
 * order on SIGTERM.
 *
 * @throws Error with code EADDRINUSE and the like when the port cannot be had.
 */
export async function runService<Config extends Readonly<z.output<typeof httpSchema>>>(
  service: Service<Config>,
): Promise<void> {
  const { name, config } = service;
  const serverId = createServerId();
  const logger = createLogger({ name, level: config.LOG_LEVEL, serverId });
  const lifecycle = new Lifecycle({ logger, timeoutMs: config.SHUTDOWN_TIMEOUT_MS }).listen();
  const metrics = createMetrics({ service: name, serverId });
  const redis = connectRedis({ ...redisPlace(config), role: name, logger });

  const readiness = new Readiness();
  readiness.set('serving', true);
  readiness.set('seeded', !config.DEMO_DATA);
  readiness.probe('redis', () => pingRedis(redis, config.REDIS_TIMEOUT_MS));

  const app = service.createApp({ config, redis, serverId, logger, metrics, readiness });
  const server = await serve(app, { host: config.HOST, port: config.PORT });
  const ending = new AbortController();
  lifecycle
    .onShutdown('unready', () => readiness.set('serving', false))
    .onShutdown('stop seeding', () => ending.abort())
    .onShutdown('wait for the balancer', () => sleep(config.SHUTDOWN_DELAY_MS))
    .onShutdown('finish requests', () => server.close())
    .onShutdown('close redis', () => closeRedis(redis));
  logger.info({ url: server.url }, `${name} listens`);

  if (!config.DEMO_DATA) return;
  const seed = async () => {
    if (await service.seed(redis)) logger.info('demo data written');
  };
  const seeded = await retryUntilDone(seed, { name: 'demo data', logger, signal: ending.signal });
  readiness.set('seeded', seeded);
}
