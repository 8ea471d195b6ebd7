import { Redis } from 'ioredis';
import { type Cluster, startCluster } from '../test/harness/cluster.ts';
import { checkDataDir } from '../test/harness/data-dir.ts';
import { launcher } from '../test/harness/programs.ts';
import { build } from './build.mjs';
import { readSettings, type Settings } from './start-config.ts';

/** Nothing answers at REDIS_URL. */
class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError';
}

/** Builds, starts the cluster, and keeps it running until a signal ends it; then the process ends with code 0. */
export async function runCluster(): Promise<void> {
  const settings = readSettings();
  // What cannot be had is told before anything is built or started.
  checkDataDir(settings.DATA_DIR);
  if (!settings.REDIS_URL) launcher('redis-server', { directories: [] });
  launcher('haproxy', { directories: [] });
  await build();
  if (settings.REDIS_URL) await checkRedis(settings.REDIS_URL, settings.REDIS_PASSWORD);
  const stopped = stopSignal();
  const starting = startCluster({
    port: settings.PORT,
    socketPort: settings.SOCKET_PORT,
    statsPort: settings.STATS_PORT,
    replicas: settings.REPLICAS,
    redisUrl: settings.REDIS_URL,
    dataDir: settings.DATA_DIR,
    supervise: true,
    log: console.log,
  });
  const cluster = await starting;
  if (!stopped.aborted) announce(cluster, settings);
  await new Promise<void>((resolve) => {
    if (stopped.aborted) resolve();
    else stopped.addEventListener('abort', () => resolve(), { once: true });
  });
  await cluster.stop();
  process.exit(0);
}

/**
 * Aborts on SIGINT or SIGTERM. Further ones change nothing: npm hands on a Ctrl-C that the terminal has sent to us
 * as well, and every step of the end has its own time limit.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) return;
      console.log(`${signal}: stopping in order`);
      controller.abort();
    });
  }
  return controller.signal;
}

function announce(cluster: Cluster, { DATA_DIR, DEMO_DATA }: Settings): void {
  const { url, statsUrl } = cluster.gateway;
  console.log(`ready ${url}`);
  console.log(`  page           ${url}/`);
  for (const n of cluster.realtime.keys()) console.log(`  replica ${n + 1}      ${url}/replica/${n + 1}/`);
  console.log(`  side by side   ${url}/replicas`);
  console.log(`  statistics     ${statsUrl}/`);
  console.log(`  processes      ${DATA_DIR}/cluster.json, logs in ${DATA_DIR}/logs`);
  if (DEMO_DATA) console.log('  log in as      Pablo, Joe, Mary or Alex, password123');
  console.log('  stop with      Ctrl-C');
}

async function checkRedis(url: string, password: string | undefined): Promise<void> {
  // ioredis takes what the URL says before the options.
  const redis = new Redis(url, {
    password,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5000,
  });
  // It says more than the rejection: that a password is missing, for instance.
  let cause: Error | undefined;
  redis.on('error', (error) => {
    cause = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw new RedisAwayError(
      `REDIS_URL: Redis does not answer there (${(cause ?? (error as Error)).message})`,
    );
  } finally {
    redis.disconnect();
  }
}
