import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPresence } from './presence.ts';
import { randomFrom, SEED } from './random.ts';
import { FULL } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

const FAULTS = 14;
const COUNT = 150;
const PER_SECOND = 40;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

/** The faults that may come, each ended before the next one begins. */
function faults(random: () => number): Record<string, () => Promise<void>> {
  const { cluster, redis } = stage;
  const anyReplica = () => Math.floor(random() * cluster.realtime.length);
  const paused = async (pid: number, ms: number) => {
    process.kill(pid, 'SIGSTOP');
    await sleep(ms).finally(() => process.kill(pid, 'SIGCONT'));
  };
  return {
    async 'kill -9 of a replica'() {
      const index = anyReplica();
      await cluster.killReplica(index);
      await sleep(random() * 3000);
      await cluster.startReplica(index);
    },
    async 'restart of a replica'() {
      await cluster.restartReplica(anyReplica());
    },
    async 'pause of a replica'() {
      await paused(cluster.realtime[anyReplica()]!.pid, 500 + random() * 8000);
    },
    async 'kill -9 of Redis'() {
      await cluster.killRedis();
      await sleep(random() * 3000);
      await cluster.startRedis();
    },
    async 'pause of Redis'() {
      await paused(cluster.redis.pid!, 500 + random() * 5000);
    },
    async 'kill -9 of a replica while Redis is paused'() {
      const index = anyReplica();
      await Promise.all([
        paused(cluster.redis.pid!, 4000),
        sleep(2000).then(() => cluster.killReplica(index)),
      ]);
      await cluster.startReplica(index);
    },
    async 'all subscriptions cut'() {
      await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => undefined);
    },
    async 'all connections to Redis cut'() {
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal').catch(() => undefined);
    },
  };
}

describe.runIf(FULL)('one fault after the other, in any order', () => {
  test('loses nothing', { timeout: 400_000 }, async () => {
    const { cluster, redis } = stage;
    const random = randomFrom(SEED);
    console.log(`CHAOS_SEED=${SEED}`);
    const report = await play(stage, {
      title: `${FAULTS} faults in a row (seed ${SEED})`,
      count: COUNT,
      perSecond: PER_SECOND,
      async act(crowd, ledger) {
        const all = Object.entries(faults(random));
        for (let n = 0; n < FAULTS; n++) {
          const [name, happen] = all[Math.floor(random() * all.length)]!;
          console.log(`${new Date().toISOString()} ${name}`);
          await happen();
          await sleep(random() * 2500);
        }
        const overAt = performance.now();
        ledger.faultEnded();
        await expectPresence(redis, overAt, { online: crowd.ids });
        await sleep(3000);
      },
    });
    expect(report.refused).toBe(0);
    for (const replica of cluster.realtime) expect(replica.running).toBe(true);
  });
});
