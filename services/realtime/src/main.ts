import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import {
  createLogger,
  createMetrics,
  createServerId,
  Lifecycle,
  loadConfigOrExit,
  Readiness,
} from '@chat/kit';
import { createRealtime } from './app.ts';
import { configSchema } from './config.ts';
import { type Listening, listen } from './listen.ts';

// After a storm of upgrades V8 would keep the garbage of all of them for as long as nothing else is allocated: an idle
// socket then costs 5 KB instead of less than 3. With this it collects when a quiet time begins.
setFlagsFromString('--optimize-for-size');

const config = loadConfigOrExit(configSchema);
const serverId = createServerId(config.SERVER_ID);
const logger = createLogger({ name: 'realtime', level: config.LOG_LEVEL, serverId });
const lifecycle = new Lifecycle({ logger, timeoutMs: config.SHUTDOWN_TIMEOUT_MS }).listen();
const metrics = createMetrics({ service: 'realtime', serverId });
const readiness = new Readiness();
// From src/ as well as from dist/, the page is three folders up.
const webDirectory = config.WEB_DIR ?? fileURLToPath(new URL('../../../web/dist', import.meta.url));

const realtime = createRealtime({ config, serverId, logger, metrics, readiness, webDirectory });
const listening: Listening[] = [];
lifecycle
  .onShutdown('unready', () => realtime.startDraining())
  .onShutdown('wait for the balancer', () => sleep(config.DRAIN_GRACE_MS))
  .onShutdown('stop listening', () => {
    for (const socket of listening) socket.close();
  })
  .onShutdown('end streams', () => realtime.endStreams())
  .onShutdown('ask clients to reconnect', () => realtime.moveClients())
  .onShutdown('finish sends', () => realtime.finishSends(config.REDIS_TIMEOUT_MS))
  .onShutdown('leave redis', () => realtime.leave());

try {
  const own = await listen(realtime.app, config.HOST, config.PORT, false);
  listening.push(own);
  if (config.SOCKET_PORT > 0)
    listening.push(await listen(realtime.socketApp, config.HOST, config.SOCKET_PORT, true));
  logger.info({ port: own.port, socketPort: config.SOCKET_PORT, pid: process.pid }, 'realtime listens');
} catch (err) {
  await lifecycle.fail('cannot listen', err);
}
