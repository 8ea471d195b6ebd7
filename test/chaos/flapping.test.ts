import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectPresence } from './presence.ts';
import { randomFrom, SEED } from './random.ts';
import { SOON, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

const RESTARTS = scaled(40, 15);
/** Connecting, subscribing and the first sends take less: each of them is hit. */
const MAX_UP_MS = 600;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ replicas: 4, env: { REBALANCE: 'false' } });
});
afterAll(() => stage?.close());

describe('Redis is killed again and again, as soon as it is back or a moment later', () => {
  test('ends no process and loses nothing', { timeout: 400_000 }, async () => {
    const { cluster, redis } = stage;
    const services = [...cluster.auth, ...cluster.history, ...cluster.realtime];
    const pids = services.map(({ pid }) => pid);
    const random = randomFrom(SEED);
    const report = await play(stage, {
      title: `a Redis that comes and goes ${RESTARTS} times with seed ${SEED}`,
      count: 40,
      perSecond: 20,
      async act(crowd, ledger) {
        for (let n = 0; n < RESTARTS; n++) {
          await sleep(random() * MAX_UP_MS);
          await cluster.killRedis();
          await cluster.startRedis();
        }
        ledger.faultEnded();
        for (const { url } of services) {
          await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), SOON);
        }
        await expectPresence(redis, performance.now(), { online: crowd.ids });
      },
    });
    expect(services.map(({ running, pid }) => running && pid)).toEqual(pids);
    expect(report).toMatchObject({ reconnects: 0, gaps: 0, refused: 0 });
  });
});
