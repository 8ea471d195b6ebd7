import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SentinelGroup, startSentinelGroup } from '../harness/sentinel.ts';
import { expectPresence } from './presence.ts';
import { FULL } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

// npm test has a failover in test/containers, and what it may lose in test/integration/sentinel.test.ts.
describe.runIf(FULL)('kill -9 of the master of three Redis while everybody talks', () => {
  let group: SentinelGroup;
  let stage: Stage;
  beforeAll(async () => {
    group = await startSentinelGroup({ replicas: 2 });
    const sentinels = group.addresses.split(',').map((address) => {
      const [host, port] = address.split(':');
      return { host: host!, port: Number(port) };
    });
    stage = await openStage(
      {
        redisUrl: `redis://127.0.0.1:${await group.masterPort()}`,
        env: {
          REDIS_SENTINELS: group.addresses,
          REDIS_WAIT_REPLICAS: '1',
          REDIS_TIMEOUT_MS: '1000',
          REBALANCE: 'false',
        },
      },
      () => new Redis({ sentinels, name: 'mymaster', failoverDetector: true }),
    );
  });
  afterAll(async () => {
    await stage?.close();
    await group?.stop();
  });

  test('loses nothing that two of them had, and that is all that was acknowledged', {
    timeout: 300_000,
  }, async () => {
    const { redis } = stage;
    const report = await play(stage, {
      title: 'a failover of Redis',
      count: 200,
      perSecond: 40,
      async act(crowd, ledger) {
        await sleep(3000);
        const before = await group.masterPort();
        await group.kill(before);
        await group.failedOver(before);
        ledger.faultEnded();
        await sleep(8000);
        await expectPresence(redis, performance.now(), { online: crowd.ids });
      },
    });
    expect(report).toMatchObject({ gaps: 0, refused: 0, reconnects: 0 });
  });
});
