import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChatClient, type Gap } from '@chat/client';
import type { Message } from '@chat/protocol';
import { keys, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Account, createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Child, startChild } from '../harness/child.ts';
import { freePort } from '../harness/ports.ts';
import { startRealtime, type TestRealtime } from '../harness/realtime.ts';
import { FAILOVER_SOON as LONG, type SentinelGroup, startSentinelGroup } from '../harness/sentinel.ts';

vi.setConfig({ testTimeout: 240_000 });
let group: SentinelGroup;
let env: Record<string, string>;
let replicas: TestRealtime[];
let accounts: Account[];
let room: string;

beforeAll(async () => {
  group = await startSentinelGroup();
  env = { REDIS_SENTINELS: group.addresses, REDIS_TIMEOUT_MS: '1000', LIMITS: 'off' };
});
afterAll(() => group.stop());
beforeEach(async () => {
  await useMaster(async (redis) => {
    accounts = await Promise.all([1, 2, 3, 4].map(() => createAccount(redis)));
    const rooms = new Rooms(redis);
    room = (await rooms.createNamed('failover', accounts[0]!.id)).id;
    for (const { id } of accounts) await rooms.join(id, room);
    await redis.wait(1, 10_000);
  });
});

async function useMaster<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(await group.masterPort());
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function startReplicas(more: Record<string, string> = {}): Promise<void> {
  // Not the address of any Redis: the sentinels know it.
  const start = () => startRealtime('redis://127.0.0.1:1', { ...env, ...more });
  replicas = [await start(), await start()];
  const started = replicas;
  onTestFinished(async () => {
    await Promise.all(started.map((replica) => replica.stop()));
  });
}

async function connect(index: number): Promise<ChatSocket> {
  const { token } = accounts[index]!;
  const socket = await ChatSocket.connect(replicas[index % 2]!.socketUrl, { token });
  onTestFinished(async () => {
    await socket.close();
  });
  await socket.next('hello');
  await socket.settle();
  return socket;
}

const stored = () =>
  useMaster(async (redis) =>
    (await redis.zrange(keys.room(room), '0', '-1')).map((member): Message => JSON.parse(member)),
  );
const lost = async () => {
  const counts = await Promise.all(replicas.map((replica) => replica.metric('chat_lost_predecessors_total')));
  return counts.reduce((sum, count) => sum + count, 0);
};
/** What the server said of a socket's message: its date, the code of the error, or nothing yet. */
const answer = (socket: ChatSocket, cid: string) =>
  socket.frames.flatMap(({ type, data }): (number | string)[] => {
    if (type === 'ack' && data.cid === cid) return [data.date];
    return type === 'error' && data.cid === cid ? [data.code] : [];
  })[0];
const texts = (messages: readonly Message[]) => messages.map(({ message }) => message);

/** Sends one message after the other until it is told to stop. */
function talk(socket: ChatSocket, name: string) {
  const cids: string[] = [];
  let talking = true;
  const done = (async () => {
    while (talking) {
      const cid = `${name}-${cids.length}`;
      cids.push(cid);
      socket.send({ type: 'message', data: { roomId: room, message: cid }, cid });
      await sleep(5);
    }
  })();
  return {
    cids,
    /** Resolves when all that was sent is answered. */
    async stop() {
      talking = false;
      await done;
      await expect.poll(() => cids.filter((cid) => answer(socket, cid) === undefined), LONG).toEqual([]);
    },
  };
}

/** Brings the server back that was killed, so that the next test has a master and a replica. */
const restartLater = (port: number) => onTestFinished(() => group.restart(port));

const isInGap = ({ frames }: ChatSocket, date: number) =>
  frames.some(
    (frame) =>
      frame.type === 'gap' && frame.data.roomId === room && frame.data.from < date && date <= frame.data.to,
  );

describe('a failover', () => {
  it('under load keeps the order and all that the new master holds, for every socket', async () => {
    await startReplicas();
    const sockets = await Promise.all([0, 1, 2, 3].map(connect));
    const talkers = sockets.slice(0, 3).map((socket, index) => talk(socket, `t${index}`));
    await sleep(1000);
    const before = await group.masterPort();
    await group.kill(before);
    restartLater(before);
    await group.failedOver(before);
    await sleep(1000);
    await Promise.all(talkers.map((talker) => talker.stop()));

    const kept = await stored();
    const keptDates = new Set(kept.map(({ date }) => date));
    for (const socket of sockets) {
      const seen = () => socket.messages(room).filter(({ date }) => keptDates.has(date));
      const seenDates = () => new Set(seen().map(({ date }) => date));
      // A replica that listens again late may miss more than it sends at once: it tells that as a gap.
      const hidden = () => {
        const shown = seenDates();
        return kept.filter(({ date }) => !shown.has(date) && !isInGap(socket, date));
      };
      await expect.poll(hidden, LONG).toEqual([]);
      const shown = seenDates();
      expect(seen()).toEqual(kept.filter(({ date }) => shown.has(date)));
    }
    // Sent again or not, each is there once.
    expect(new Set(kept.map(({ cid }) => cid)).size).toBe(kept.length);
    // Those of one sender are in its order.
    for (const [index, { cids }] of talkers.entries()) {
      const own = texts(kept).filter((text) => text.startsWith(`t${index}-`));
      expect(own).toEqual(cids.filter((cid) => own.includes(cid)));
      const answers = cids.map((cid) => answer(sockets[index]!, cid)!);
      const gone = answers.filter((date) => typeof date === 'number' && !keptDates.has(date));
      if (gone.length > 0) expect(await lost()).toBeGreaterThan(0);
      // Most went through: the test says nothing if all of them were refused.
      expect(answers.filter((date) => typeof date === 'number').length).toBeGreaterThan(cids.length / 2);
    }
  });

  it('that loses acknowledged messages is told by the metric, and by a gap to clients, which lose no order', async () => {
    await startReplicas();
    const [writer, reader] = await Promise.all([connect(0), connect(1)]);
    const client = new ChatClient({ url: replicas[1]!.socketUrl, token: accounts[2]!.token, WebSocket });
    onTestFinished(() => client.close());
    const told: (string | Gap)[] = [];
    client.on('message', ({ roomId, message }) => roomId === room && told.push(message));
    client.on('gap', (gap) => told.push(gap));
    client.connect();
    await expect.poll(() => client.state, LONG).toBe('online');
    const kept = await writer!.say(room, 'kept');
    const before = await group.masterPort();
    const cutOff = await cutReplicaOff(before);
    const gone = [await writer!.say(room, 'lost 1'), await writer!.say(room, 'lost 2')];
    await expect.poll(() => texts(reader!.messages(room)), LONG).toEqual(['kept', 'lost 1', 'lost 2']);
    await expect.poll(() => told, LONG).toEqual(['kept', 'lost 1', 'lost 2']);
    await group.kill(before);
    restartLater(before);
    process.kill(cutOff, 'SIGCONT');
    await group.failedOver(before);

    // Before anybody writes again.
    await expect.poll(lost, LONG).toBe(2);
    const after = await writer!.say(room, 'after');
    expect((await stored()).map(({ date, prev }) => [date, prev])).toEqual([
      [kept, 0],
      [after, kept],
    ]);
    await expect.poll(() => reader!.messages(room).at(-1), LONG).toMatchObject({ date: after, prev: kept });
    await expect
      .poll(() => told, LONG)
      .toEqual(['kept', 'lost 1', 'lost 2', { roomId: room, from: kept, to: gone[1] }, 'after']);
    // A client that comes now knows nothing of them.
    const late = await connect(3);
    late.send({ type: 'resume', data: { rooms: { [room]: 0 } } });
    await late.next('resumed');
    expect(texts(late.messages(room))).toEqual(['kept', 'after']);
    expect(await lost()).toBe(2);
  });

  it.each([
    ['min-replicas-to-write of Redis', 1, '0'],
    ['REDIS_WAIT_REPLICAS', 0, '1'],
  ])('loses nothing that was acknowledged with %s', async (_, minReplicas, wait) => {
    await setMinReplicas(minReplicas);
    onTestFinished(() => setMinReplicas(0));
    await startReplicas({ REDIS_WAIT_REPLICAS: wait });
    const [writer, reader] = await Promise.all([connect(0), connect(1)]);
    await writer!.say(room, 'before');
    const before = await group.masterPort();
    const cutOff = await cutReplicaOff(before);
    const told = (state: 'degraded' | 'restored') =>
      writer!.frames.filter(({ type }) => type === state).length;
    const toldBefore = told('degraded');
    writer!.send({ type: 'message', data: { roomId: room, message: 'doubtful' }, cid: 'doubtful' });
    await expect.poll(() => told('degraded'), LONG).toBeGreaterThan(toldBefore);
    // Long enough for a service that takes a master without replicas for a healthy one.
    await sleep(2000);
    expect(answer(writer!, 'doubtful')).toBeUndefined();
    expect(told('restored')).toBe(told('degraded') - 1);
    await group.kill(before);
    process.kill(cutOff, 'SIGCONT');
    await group.failedOver(before);
    // The new master needs a replica as well.
    await group.restart(before);
    await expect.poll(() => answer(writer!, 'doubtful'), LONG).toBeTypeOf('number');
    await expect.poll(() => texts(reader!.messages(room)).at(-1), LONG).toBe('doubtful');
    const kept = await stored();
    expect(texts(kept)).toEqual(['before', 'doubtful']);
    expect(answer(writer!, 'doubtful')).toBe(kept[1]!.date);
  });

  it('is followed by auth and history, which answer 503 meanwhile', async () => {
    const [auth, history] = [await startService('auth'), await startService('history')];
    const credentials = { username: `failover-${process.pid}`, password: 'password123' };
    const token = (await (await post(`${auth}/login`, credentials)).json()).token as string;
    await useMaster((redis) => redis.wait(1, 10_000));
    const headers = { authorization: `Bearer ${token}` };
    const preload = () => fetch(`${history}/room/0/preload`, { headers });
    expect((await preload()).status).toBe(200);
    const before = await group.masterPort();
    await group.kill(before);
    restartLater(before);
    for (const response of await Promise.all([post(`${auth}/login`, credentials), preload()])) {
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
    }
    await expect.poll(async () => (await preload()).status, LONG).toBe(200);
    await expect.poll(async () => (await post(`${auth}/login`, credentials)).status, LONG).toBe(200);
    expect(await group.masterPort()).not.toBe(before);
  });
});

/** Stops the only replica and cuts its connection: what the master takes from now on is the master's alone. */
async function cutReplicaOff(master: number): Promise<number> {
  const replica = [...group.servers.values()].find(({ port }) => port !== master)!;
  process.kill(replica.pid!, 'SIGSTOP');
  const redis = new Redis(master);
  await redis.client('KILL', 'TYPE', 'REPLICA');
  redis.disconnect();
  return replica.pid!;
}

async function setMinReplicas(count: number): Promise<void> {
  for (const port of group.servers.keys()) {
    const redis = new Redis(port);
    await redis.config('SET', 'min-replicas-to-write', String(count));
    redis.disconnect();
  }
}

async function startService(name: 'auth' | 'history'): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'chat-sentinel-test-'));
  const port = await freePort();
  const logFile = join(dir, `${name}.log`);
  const main = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url));
  const child: Child = await startChild({
    name,
    command: process.execPath,
    args: ['--import', 'tsx', main],
    logFile,
    env: {
      ...process.env,
      ...env,
      HOST: '127.0.0.1',
      PORT: String(port),
      BCRYPT_COST: '4',
      DEMO_DATA: 'false',
    },
  });
  onTestFinished(async () => {
    await child.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await expect
    .poll(async () => {
      if (!child.running()) throw new Error(readFileSync(logFile, 'utf8'));
      return (await fetch(`${url}/readyz`).catch(() => undefined))?.status;
    }, LONG)
    .toBe(200);
  return url;
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
