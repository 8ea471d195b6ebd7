import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Crowd } from './crowd.ts';
import { expectPresence } from './presence.ts';
import { FULL, SOON, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

const COUNT = scaled(2000, 120);
/** Sockets a second that a draining replica may ask to reconnect: it takes some seconds then. */
const DRAIN_RATE = scaled(250, 30);
const DRAIN_GRACE_MS = 1000;
const TIMEOUT_MS = 360_000;

/** When each client learned that it has to leave, in milliseconds of performance.now(), ascending. */
function noteDepartures(crowd: Crowd): number[] {
  const times: number[] = [];
  for (const { client } of crowd.members) {
    let left = false;
    // `waiting` until its delay is over, or `connecting` at once when the delay is short.
    client.on('state', ({ state }) => {
      if (left || state === 'online' || state === 'degraded') return;
      left = true;
      times.push(performance.now());
    });
  }
  return times;
}

describe('SIGTERM of the replica that has all the sockets', () => {
  let stage: Stage;
  beforeAll(async () => {
    const env = {
      DRAIN_RATE: String(DRAIN_RATE),
      DRAIN_GRACE_MS: String(DRAIN_GRACE_MS),
      REBALANCE: 'false',
    };
    stage = await openStage({ replicas: 1, env });
  });
  afterAll(() => stage?.close());

  test('sends them away no faster than DRAIN_RATE, and nobody misses anything', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { cluster, redis } = stage;
    const report = await play(stage, {
      title: `a drain at ${DRAIN_RATE} sockets/s`,
      count: COUNT,
      perSecond: 10,
      async act(crowd, ledger) {
        const replica = cluster.realtime[0]!;
        const { serverId, exited } = replica;
        expect(crowd.on(serverId)).toHaveLength(COUNT);
        await cluster.startReplica();
        await cluster.startReplica();
        await sleep(2000);
        const departures = noteDepartures(crowd);
        const toldAt = performance.now();
        await cluster.stopReplica(0);
        const goneAt = performance.now();
        ledger.faultEnded();

        expect(await exited).toEqual({ code: 0, signal: null });
        await vi.waitFor(() => expect(departures).toHaveLength(COUNT), SOON);
        // It can be late, by its own or our doing, but never early: so many may have gone by then at most.
        const from = toldAt + DRAIN_GRACE_MS;
        for (const [index, at] of departures.entries()) {
          const allowed = (DRAIN_RATE * (at - from)) / 1000 + DRAIN_RATE / 10 + 1;
          expect(index + 1, `departures after ${at - toldAt} ms`).toBeLessThanOrEqual(allowed);
        }
        console.log(`${COUNT} sockets left within ${((goneAt - toldAt) / 1000).toFixed(1)} s`);
        await expectPresence(redis, goneAt, { online: crowd.ids, gone: [serverId] });
        await sleep(2000);
        expect(crowd.on(serverId)).toEqual([]);
      },
    });
    expect(report).toMatchObject({ reconnects: COUNT, gaps: 0, refused: 0 });
  });
});

describe.runIf(FULL)('a rolling restart of all replicas while everybody talks', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage?.close());

  test('loses nothing', { timeout: TIMEOUT_MS }, async () => {
    const { cluster, redis } = stage;
    const report = await play(stage, {
      title: 'a rolling restart',
      count: 300,
      perSecond: 40,
      async act(crowd, ledger) {
        await sleep(2000);
        const before = cluster.realtime.map(({ serverId }) => serverId);
        for (const index of cluster.realtime.keys()) {
          await cluster.restartReplica(index);
          await sleep(2000);
        }
        const doneAt = performance.now();
        ledger.faultEnded();
        await expectPresence(redis, doneAt, { online: crowd.ids, gone: before });
        await sleep(2000);
      },
    });
    expect(report).toMatchObject({ gaps: 0, refused: 0 });
    expect(report.reconnects).toBeGreaterThanOrEqual(300);
  });
});
