import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFailover } from '../harness/failover.ts';
import type { Ledger } from '../harness/ledger.ts';
import { type SentinelGroup, startSentinelGroup } from '../harness/sentinel.ts';
import type { Crowd } from './crowd.ts';
import { expectPresence } from './presence.ts';
import { FULL, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

// What a failover may lose without REDIS_WAIT_REPLICAS is in test/integration/sentinel.test.ts.
describe('a failover of three Redis while everybody talks, REDIS_WAIT_REPLICAS=1', () => {
  let group: SentinelGroup;
  let stage: Stage;
  beforeAll(async () => {
    // As on Kubernetes: the script pauses writes no longer than that.
    group = await startSentinelGroup({ replicas: 2, downAfterMs: 5000 });
    const sentinels = group.addresses.split(',').map((address) => {
      const [host, port] = address.split(':');
      return { host: host!, port: Number(port) };
    });
    stage = await openStage(
      {
        redisUrl: `redis://127.0.0.1:${await group.masterPort()}`,
        env: { REDIS_SENTINELS: group.addresses, REDIS_WAIT_REPLICAS: '1', REBALANCE: 'false' },
      },
      () => new Redis({ sentinels, name: 'mymaster', failoverDetector: true }),
    );
  });
  afterAll(async () => {
    await stage?.close();
    await group?.stop();
  });

  /** Lets the crowd talk while the master is replaced: nobody may be shown anything that is lost, or twice. */
  async function failover(
    title: string,
    replace: (master: number) => Promise<void>,
    onPresence: (crowd: Crowd, ledger: Ledger) => Promise<void> = async () => undefined,
  ) {
    await group.whole();
    const report = await play(stage, {
      title,
      count: scaled(200, 40),
      perSecond: 40,
      async act(crowd, ledger) {
        await sleep(2000);
        const before = await group.masterPort();
        await replace(before);
        await group.failedOver(before);
        ledger.faultEnded();
        await sleep(3000);
        await onPresence(crowd, ledger);
      },
    });
    expect(report).toMatchObject({ gaps: 0, refused: 0, reconnects: 0 });
  }

  test('by scripts/failover.sh loses nothing', async () => {
    await failover('scripts/failover.sh', async () => {
      expect(await runFailover('--sentinels', group.addresses)).toMatchObject({ code: 0, complained: '' });
    });
  });

  test('that a Sentinel was told to begin loses nothing, though the old master goes on taking writes', async () => {
    await failover('SENTINEL FAILOVER', () => group.failOver());
  });

  describe.runIf(FULL)('that comes by itself loses nothing', () => {
    test('when the master is killed with -9', async () => {
      let killed = 0;
      await failover(
        'kill -9 of the master',
        async (master) => {
          killed = master;
          await group.kill(master);
        },
        (crowd) => expectPresence(stage.redis, performance.now(), { online: crowd.ids }),
      );
      await group.restart(killed);
    });

    test('when the master hangs, and goes on as soon as a replica was promoted', async () => {
      await failover('SIGSTOP of the master', async (master) => {
        const { pid } = group.servers.get(master)!;
        process.kill(pid!, 'SIGSTOP');
        await group.promoted(master).finally(() => process.kill(pid!, 'SIGCONT'));
      });
    });

    test('when the master is cut off from all but its clients', async () => {
      let heal = async () => {};
      await failover('a partition', async (master) => {
        heal = await group.cutOff(master);
      }).finally(() => heal());
    });
  });
});
