import { setTimeout as sleep } from 'node:timers/promises';
import { ChatApi } from '@chat/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { metricOf } from './metrics.ts';
import { expectPresence } from './presence.ts';
import { FULL, SOON, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const COUNT = scaled(500, 60);
const PER_SECOND = scaled(40, 30);
const TIMEOUT_MS = 300_000;

/** Users whose clients do not come back: whoever has them online after the fault is wrong. */
async function ghosts(index: number): Promise<number[]> {
  const { cluster, redis } = stage;
  const url = `${cluster.realtime[index]!.url.replace('http', 'ws')}/ws`;
  const accounts = await Promise.all([1, 2, 3].map(() => createAccount(redis)));
  for (const { token } of accounts) {
    const socket = await ChatSocket.connect(url, { token });
    onTestFinished(() => socket.cut());
    await socket.next('hello');
  }
  return accounts.map(({ id }) => id);
}

describe('kill -9 of a replica while everybody talks', () => {
  test('loses nothing, and presence is right within 10 s', { timeout: TIMEOUT_MS }, async () => {
    const { cluster, redis } = stage;
    const report = await play(stage, {
      title: 'kill -9 of a replica',
      count: COUNT,
      perSecond: PER_SECOND,
      async act(crowd, ledger) {
        await sleep(2000);
        const dead = cluster.realtime[2]!.serverId;
        const hit = crowd.on(dead).length;
        expect(hit).toBeGreaterThan(COUNT / 6);
        const absent = await ghosts(2);
        await expectPresence(redis, performance.now(), { online: [...crowd.ids, ...absent] });
        const killedAt = performance.now();
        await cluster.killReplica(2);
        ledger.faultEnded();
        await expectPresence(redis, killedAt, { online: crowd.ids, offline: absent, gone: [dead] });
        await cluster.startReplica(2);
        await sleep(2000);
      },
    });
    expect(report.reconnects).toBeGreaterThan(COUNT / 6);
  });
});

describe.runIf(FULL)('a replica that stops for 15 s (SIGSTOP) while everybody talks', () => {
  test('loses nothing, and presence is right within 10 s each way', { timeout: TIMEOUT_MS }, async () => {
    const { cluster, redis } = stage;
    await play(stage, {
      title: 'SIGSTOP of a replica for 15 s',
      count: COUNT,
      perSecond: PER_SECOND,
      async act(crowd, ledger) {
        await sleep(2000);
        const replica = cluster.realtime[1]!;
        const absent = await ghosts(1);
        await expectPresence(redis, performance.now(), { online: [...crowd.ids, ...absent] });
        const stopped = crowd.on(replica.serverId).map(({ account }) => account.id);
        expect(stopped.length).toBeGreaterThan(COUNT / 6);
        const others = crowd.ids.filter((id) => !stopped.includes(id));
        const stoppedAt = performance.now();
        replica.kill('SIGSTOP');
        try {
          // It says nothing, so nobody can know that it lives.
          await expectPresence(redis, stoppedAt, {
            online: others,
            offline: absent,
            gone: [replica.serverId],
          });
          await sleep(Math.max(0, 15_000 - (performance.now() - stoppedAt)));
        } finally {
          replica.kill('SIGCONT');
        }
        const wokenAt = performance.now();
        ledger.faultEnded();
        await expectPresence(redis, wokenAt, { online: [...crowd.ids, ...absent] });
        await sleep(3000);
      },
    });
  });
});

describe.runIf(FULL)('SIGTERM of a replica while everybody talks', () => {
  test('moves its clients without a loss, and the process exits with 0', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { cluster, redis } = stage;
    await play(stage, {
      title: 'SIGTERM of a replica',
      count: COUNT,
      perSecond: PER_SECOND,
      async act(crowd, ledger) {
        await sleep(2000);
        const replica = cluster.realtime[0]!;
        const { serverId, exited } = replica;
        expect(crowd.on(serverId).length).toBeGreaterThan(COUNT / 6);
        await cluster.stopReplica(0);
        const goneAt = performance.now();
        ledger.faultEnded();
        expect(await exited).toEqual({ code: 0, signal: null });
        await expectPresence(redis, goneAt, { online: crowd.ids, gone: [serverId] });
        expect(crowd.on(serverId)).toEqual([]);
        await cluster.startReplica(0);
        await sleep(2000);
      },
    });
  });
});

describe('after all that', () => {
  test('the balancer knows all replicas again, and the history lists nobody who is not there', async () => {
    const { cluster, redis } = stage;
    const watcher = await createAccount(redis);
    const socket = await ChatSocket.connect(`${cluster.gateway.url.replace('http', 'ws')}/ws`, watcher);
    await socket.next('hello');
    const api = new ChatApi({ baseUrl: cluster.gateway.url, token: watcher.token });
    await vi.waitFor(async () => {
      expect((await api.online()).map(({ id }) => id)).toEqual([watcher.id]);
    }, SOON);
    await vi.waitFor(async () => {
      for (const { url } of cluster.realtime) {
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
        expect(await metricOf(url, 'chat_append_queue_messages')).toBe(0);
      }
    }, SOON);
    await socket.close();
  });
});
