import { createLogger, createMetrics, createServerId, loadConfig, Readiness } from '@chat/kit';
import { createRealtime } from '../../services/realtime/src/app.ts';
import { configSchema } from '../../services/realtime/src/config.ts';
import { listen } from '../../services/realtime/src/listen.ts';

export interface TestRealtime {
  serverId: string;
  url: string;
  /** ws://…/ws */
  socketUrl: string;
  /** The port of the socket plane: http://… */
  planeUrl: string;
  /** The value of a metric of the replica; 0 when it has none. */
  metric(name: string, labels?: string): Promise<number>;
  /** Resolves when the replica is ready. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/** A replica inside the test's process, on a free port. */
export async function startRealtime(
  redisUrl: string,
  env: Record<string, string> = {},
): Promise<TestRealtime> {
  const serverId = createServerId();
  const config = loadConfig(configSchema, {
    REDIS_URL: redisUrl,
    HOST: '127.0.0.1',
    // Tests put sockets where they want them.
    REBALANCE: 'false',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    ...env,
  });
  const logger = createLogger({ name: 'realtime', level: config.LOG_LEVEL, serverId });
  const realtime = createRealtime({
    config,
    serverId,
    logger,
    metrics: createMetrics({ service: 'realtime', serverId }),
    readiness: new Readiness(),
    webDirectory: config.WEB_DIR ?? 'web/dist',
  });
  const listening = await listen(realtime.app, config.HOST, config.PORT, false);
  const plane = await listen(realtime.socketApp, config.HOST, 0, true);
  const url = `http://127.0.0.1:${listening.port}`;
  const replica: TestRealtime = {
    serverId,
    url,
    socketUrl: `${url.replace('http', 'ws')}/ws`,
    planeUrl: `http://127.0.0.1:${plane.port}`,
    async metric(name, labels = '') {
      const text = await (await fetch(`${url}/metrics`)).text();
      const line = text
        .split('\n')
        .find((candidate) => candidate.startsWith(name) && candidate.includes(labels));
      return line === undefined ? 0 : Number(line.split(' ').at(-1));
    },
    async ready() {
      const deadline = Date.now() + 15_000;
      while (!(await fetch(`${url}/readyz`)).ok) {
        if (Date.now() > deadline) throw new Error('the replica does not get ready');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async stop() {
      realtime.startDraining();
      listening.close();
      plane.close();
      realtime.endStreams();
      for (const peer of [...realtime.peers]) peer.end({ code: 1001, cause: 'the test ends' });
      await realtime.finishSends(1000);
      await realtime.leave();
      realtime.app.close();
      realtime.socketApp.close();
    },
  };
  await replica.ready();
  return replica;
}
