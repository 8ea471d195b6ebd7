import { setTimeout as sleep } from 'node:timers/promises';
import {
  closeRedis,
  connectRedis,
  createLogger,
  createMetrics,
  createServerId,
  Lifecycle,
  loadConfigOrExit,
  pingRedis,
  Readiness,
  redisPlace,
  retryUntilDone,
  serve,
} from '@chat/kit';
import { seedDemoData } from '@chat/store';
import { createApp } from './app.ts';
import { schema } from './config.ts';

const config = loadConfigOrExit(schema);
const serverId = createServerId();
const logger = createLogger({ name: 'history', level: config.LOG_LEVEL, serverId });
const lifecycle = new Lifecycle({ logger, timeoutMs: config.SHUTDOWN_TIMEOUT_MS }).listen();
const metrics = createMetrics({ service: 'history', serverId });
const redis = connectRedis({ ...redisPlace(config), role: 'history', logger });

const readiness = new Readiness();
readiness.set('serving', true);
readiness.set('seeded', !config.DEMO_DATA);
readiness.probe('redis', () => pingRedis(redis, config.REDIS_TIMEOUT_MS));

const server = await serve(createApp({ config, redis, serverId, logger, metrics, readiness }), {
  host: config.HOST,
  port: config.PORT,
});
const ending = new AbortController();
lifecycle
  .onShutdown('unready', () => readiness.set('serving', false))
  .onShutdown('stop seeding', () => ending.abort())
  .onShutdown('wait for the balancer', () => sleep(config.SHUTDOWN_DELAY_MS))
  .onShutdown('finish requests', () => server.close())
  .onShutdown('close redis', () => closeRedis(redis));
logger.info({ url: server.url }, 'history listens');

if (config.DEMO_DATA) {
  const seed = async () => {
    if (await seedDemoData(redis)) logger.info('demo data written');
  };
  const seeded = await retryUntilDone(seed, { name: 'demo data', logger, signal: ending.signal });
  readiness.set('seeded', seeded);
}
