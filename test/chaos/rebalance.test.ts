import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { metricOf } from './metrics.ts';
import { expectPresence } from './presence.ts';
import { SOON, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

const COUNT = scaled(600, 300);

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ replicas: 2 });
});
afterAll(() => stage?.close());

describe('a replica that is added while everybody talks', () => {
  test('gets its share from the others within 60 s, and nobody misses anything', {
    timeout: 300_000,
  }, async () => {
    const { cluster, redis } = stage;
    const report = await play(stage, {
      title: 'a third replica',
      count: COUNT,
      perSecond: 30,
      async act(crowd, ledger) {
        await sleep(2000);
        const sockets = () => Promise.all(cluster.realtime.map(({ url }) => metricOf(url, 'chat_sockets')));
        expect(Math.max(...(await sockets()))).toBeGreaterThan(0.45 * COUNT);
        await cluster.startReplica();
        const addedAt = performance.now();
        const share = COUNT / 3;
        await vi.waitFor(async () => {
          const counts = await sockets();
          expect(counts.reduce((sum, count) => sum + count)).toBe(COUNT);
          for (const count of counts)
            expect(Math.abs(count - share), counts.join(', ')).toBeLessThan(0.1 * share);
        }, SOON);
        const seconds = (performance.now() - addedAt) / 1000;
        console.log(`${(await sockets()).join(', ')} sockets on the replicas after ${seconds.toFixed(1)} s`);
        ledger.faultEnded();
        await expectPresence(redis, performance.now(), { online: crowd.ids });
        await sleep(2000);
      },
    });
    expect(report).toMatchObject({ gaps: 0, refused: 0 });
    expect(report.reconnects).toBeGreaterThan(COUNT / 4);
    expect(report.reconnects).toBeLessThan(COUNT);
  });
});
