import { setTimeout as sleep } from 'node:timers/promises';
import { GENERAL } from '@chat/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Account, createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { Ledger } from '../harness/ledger.ts';
import { formatReport } from '../harness/ledger-report.ts';
import { metricOf } from './metrics.ts';
import { expectPresence } from './presence.ts';
import { FULL, SOON, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

const QUEUE = 200;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({
    // A client that is asked to move would look as if the outage had cut it off.
    env: { QUEUE_MAX_MESSAGES: String(QUEUE), MESSAGE_BURST: '1000', REBALANCE: 'false' },
  });
});
afterAll(() => stage?.close());

const COUNT = scaled(90, 30);
const PER_SECOND = 30;
const TIMEOUT_MS = 240_000;

interface Bare {
  account: Account;
  socket: ChatSocket;
}

/** A bare socket on every replica: it shows each frame, and would show each close. */
async function bareSockets(ledger: Ledger): Promise<Bare[]> {
  const { cluster, redis } = stage;
  const sockets: Bare[] = [];
  for (const [index, { url }] of cluster.realtime.entries()) {
    const account = await createAccount(redis);
    const socket = await ChatSocket.connect(`${url.replace('http', 'ws')}/ws`, account);
    ledger.watchSocket(`bare ${index}`, socket);
    onTestFinished(() => socket.cut());
    await socket.next('hello');
    await socket.settle();
    sockets.push({ account, socket });
  }
  return sockets;
}

/** How often a socket was told so. */
function count({ socket }: Bare, type: 'degraded' | 'restored'): number {
  return socket.frames.filter((frame) => frame.type === type).length;
}

/** Asks auth and history for something that needs Redis, at their own ports and through the gateway. */
async function expectUnavailable({ token }: Account): Promise<void> {
  const { cluster } = stage;
  const [auth, history, gateway] = [cluster.auth[0]!.url, cluster.history[0]!.url, cluster.gateway.url];
  const login = { method: 'POST', body: JSON.stringify({ username: 'Joe', password: 'password123' }) };
  const requests: [string, RequestInit][] = [
    [`${auth}/me`, {}],
    [`${auth}/login`, login],
    [`${history}/room/0/messages`, {}],
    [`${history}/users/online`, {}],
    [`${gateway}/me`, {}],
    [`${gateway}/login`, login],
    [`${gateway}/room/0/messages`, {}],
  ];
  await Promise.all(
    requests.map(async ([url, init]) => {
      // Each command to Redis has a deadline, and no request needs more than a few in a row.
      const answer = await fetch(url, {
        ...init,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(30_000),
      });
      const body = (await answer.json()) as { code: string };
      expect({ url, status: answer.status, code: body.code }).toEqual({
        url,
        status: 503,
        code: 'unavailable',
      });
      expect(Number(answer.headers.get('retry-after')), url).toBeGreaterThan(0);
    }),
  );
}

async function expectServed({ token }: Account): Promise<void> {
  const { cluster } = stage;
  await vi.waitFor(async () => {
    for (const path of ['/me', '/room/0/messages', '/users/online', '/']) {
      const answer = await fetch(cluster.gateway.url + path, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(answer.status, path).toBe(200);
    }
  }, SOON);
}

/** What every outage has to be like, whatever takes Redis away and brings it back. */
async function outage(title: string, takeAway: () => Promise<void>, bringBack: () => Promise<void>) {
  const { cluster, redis } = stage;
  return await play(stage, {
    title,
    count: COUNT,
    perSecond: PER_SECOND,
    async act(crowd, ledger) {
      const bare = await bareSockets(ledger);
      await sleep(2000);
      const states: string[] = [];
      for (const { client } of crowd.members) client.on('state', ({ state }) => states.push(state));
      const left: number[] = [];
      crowd.members[0]!.client.on('presence', ({ disconnected }) =>
        left.push(...disconnected.map(({ id }) => id)),
      );
      await takeAway();
      for (const each of bare) await vi.waitFor(() => expect(count(each, 'degraded')).toBe(1), SOON);
      await expectUnavailable(bare[0]!.account);
      for (const { url } of [...cluster.auth, ...cluster.history, ...cluster.realtime]) {
        expect((await fetch(`${url}/readyz`)).status, url).toBe(503);
        expect((await fetch(`${url}/healthz`)).status, url).toBe(200);
      }
      for (const { socket } of bare) for (let n = 0; n < 5; n++) ledger.sendRaw(socket, GENERAL);
      await sleep(1000);
      expect(ledger.unanswered).toBeGreaterThan(15);

      await bringBack();
      const backAt = performance.now();
      ledger.faultEnded();
      for (const each of bare) await vi.waitFor(() => expect(count(each, 'restored')).toBe(1), SOON);
      await expectServed(bare[0]!.account);
      await expectPresence(redis, backAt, {
        online: [...crowd.ids, ...bare.map(({ account }) => account.id)],
      });
      await sleep(2000);
      // Nobody was cut off, nobody was told twice, and nobody seemed to leave: leases could not be renewed meanwhile.
      expect(left).toEqual([]);
      expect(new Set(states)).toEqual(new Set(['degraded', 'online']));
      for (const each of bare) {
        expect([count(each, 'degraded'), count(each, 'restored')]).toEqual([1, 1]);
        await each.socket.settle();
      }
    },
  });
}

describe('Redis is killed with -9 and started again with its append-only file', () => {
  test('sockets stay open and nothing is lost', { timeout: TIMEOUT_MS }, async () => {
    const { cluster } = stage;
    const report = await outage(
      'kill -9 of Redis',
      () => cluster.killRedis(),
      async () => {
        await sleep(scaled(10_000, 2000));
        await cluster.startRedis();
      },
    );
    expect(report).toMatchObject({ reconnects: 0, gaps: 0, refused: 0 });
  });
});

describe.runIf(FULL)('Redis stops for 20 s (SIGSTOP)', () => {
  test('sockets stay open and nothing is lost', { timeout: TIMEOUT_MS }, async () => {
    const { cluster } = stage;
    const pid = cluster.redis.pid!;
    const report = await outage(
      'SIGSTOP of Redis for 20 s',
      async () => {
        process.kill(pid, 'SIGSTOP');
        onTestFinished(() => {
          process.kill(pid, 'SIGCONT');
        });
      },
      async () => {
        await sleep(15_000);
        process.kill(pid, 'SIGCONT');
      },
    );
    expect(report).toMatchObject({ reconnects: 0, gaps: 0, refused: 0 });
  });
});

describe('sends while Redis is away', () => {
  test('queue within bounds: over them they are answered busy at once', { timeout: TIMEOUT_MS }, async () => {
    const { cluster, redis } = stage;
    const ledger = new Ledger({ redis });
    const [{ socket }] = (await bareSockets(ledger)) as [Bare];
    const { url } = cluster.realtime[0]!;
    const refused = () => socket.frames.flatMap((frame) => (frame.type === 'error' ? [frame.data.code] : []));
    await cluster.killRedis();
    try {
      for (let n = 0; n < QUEUE + 50; n++) ledger.sendRaw(socket, GENERAL);
      await vi.waitFor(() => expect(refused()).toHaveLength(50), SOON);
      expect(new Set(refused())).toEqual(new Set(['busy']));
      expect(await metricOf(url, 'chat_append_queue_messages')).toBe(QUEUE);
    } finally {
      await cluster.startRedis();
    }
    const report = await ledger.close(SOON.timeout);
    console.log(formatReport('a full queue while Redis is away', report));
    expect(report).toMatchObject({
      ...{ acknowledged: QUEUE, refused: 50, unanswered: 0, stored: QUEUE },
      ...{ lost: 0, duplicated: 0, outOfOrder: 0 },
      problems: ['50 refused: busy, busy, busy'],
    });
    expect(await metricOf(url, 'chat_append_queue_messages')).toBe(0);
  });
});
