import { Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

// Its own Redis: connections are killed in it.
let server: RunningRedis;
let redis: Redis;
let replicas: TestRealtime[];
let accounts: Account[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replicas = await Promise.all([1, 2, 3].map(() => startRealtime(server.url, { LIMITS: 'off' })));
  accounts = await Promise.all([1, 2, 3].map(() => createAccount(redis)));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await redis.quit();
  await server.stop();
});

async function connectAll(): Promise<ChatSocket[]> {
  const sockets = await Promise.all(
    replicas.map((replica, index) =>
      ChatSocket.connect(replica.socketUrl, { token: accounts[index]!.token }),
    ),
  );
  for (const socket of sockets) await socket.settle();
  return sockets;
}

function expectComplete(sockets: ChatSocket[], room: string, count: number): void {
  const dates = sockets[0]!.messages(room).map(({ date }) => date);
  expect(new Set(dates).size).toBe(count);
  expect(dates).toEqual([...dates].sort((a, b) => a - b));
  for (const socket of sockets) expect(socket.messages(room).map(({ date }) => date)).toEqual(dates);
}

it('brings every message to every socket once and in one order, while all send at once', async () => {
  const { id } = await new Rooms(redis).createNamed('crowd', accounts[0]!.id);
  for (const { id: user } of accounts) await new Rooms(redis).join(user, id);
  const sockets = await connectAll();
  const each = 200;
  await Promise.all(
    sockets.map((socket) =>
      Promise.all(Array.from({ length: each }, (_, index) => socket.say(id, `${index}`))),
    ),
  );
  for (const socket of sockets)
    await expect.poll(() => socket.messages(id).length, { timeout: 15_000 }).toBe(3 * each);
  expectComplete(sockets, id, 3 * each);
  let prev = sockets[0]!.messages(id)[0]!.prev;
  for (const message of sockets[0]!.messages(id)) {
    expect(message.prev).toBe(prev);
    prev = message.date;
  }
  await Promise.all(sockets.map((socket) => socket.close()));
});

it('drops its own echo unread, and reads what its siblings wrote by its layout', async () => {
  const sockets = await connectAll();
  const [first, second] = replicas as [TestRealtime, TestRealtime];
  const before = await first.metric('chat_echoes_dropped_total');
  await sockets[0]!.say('0', 'echo');
  await sockets[1]!.next('message', ({ message }) => message === 'echo');
  await expect.poll(() => first.metric('chat_echoes_dropped_total')).toBeGreaterThan(before);
  expect(await second.metric('chat_relayed_total')).toBeGreaterThan(0);
  expect(await second.metric('chat_relayed_parsed_total')).toBe(0);
  await Promise.all(sockets.map((socket) => socket.close()));
});

it('misses nothing when its subscriber is cut', async () => {
  const sockets = await connectAll();
  const total = 400;
  const sending = (async () => {
    for (let index = 0; index < total; index++) {
      await sockets[index % 3]!.say('0', `cut ${index}`);
      if (index % 100 === 50) await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    }
  })();
  await sending;
  const received = (socket: ChatSocket) =>
    socket.messages('0').filter(({ message }) => message.startsWith('cut ')).length;
  for (const socket of sockets) await expect.poll(() => received(socket), { timeout: 15_000 }).toBe(total);
  for (const socket of sockets) {
    const texts = socket
      .messages('0')
      .flatMap(({ message }) => (message.startsWith('cut ') ? [message] : []));
    expect(texts).toEqual(Array.from({ length: total }, (_, index) => `cut ${index}`));
  }
  await Promise.all(sockets.map((socket) => socket.close()));
});

it('stores every send once when the connection for commands is cut while they are under way', async () => {
  const sockets = await connectAll();
  const { id } = (await new Rooms(redis).createPrivate(accounts[0]!.id, accounts[1]!.id))!;
  await sockets[0]!.say(id, 'first');
  const total = 300;
  const sends: Promise<number>[] = [];
  for (let index = 0; index < total; index++) {
    sends.push(sockets[0]!.say(id, `cut ${index}`));
    if (index % 60 === 30) {
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const dates = await Promise.all(sends);
  expect(new Set(dates).size).toBe(total);
  const stored = (await redis.zrange(`room:${id}`, '0', '-1')).map((member) => JSON.parse(member));
  expect(stored.map(({ message }) => message)).toEqual([
    'first',
    ...Array.from({ length: total }, (_, i) => `cut ${i}`),
  ]);
  await expect.poll(() => sockets[1]!.messages(id).length, { timeout: 15_000 }).toBe(total + 1);
  expect(sockets[1]!.messages(id)).toEqual(stored);
  await expect.poll(() => sockets[0]!.messages(id).length, { timeout: 15_000 }).toBe(total + 1);
  expect(sockets[0]!.messages(id)).toEqual(stored);
  await Promise.all(sockets.map((socket) => socket.close()));
});
