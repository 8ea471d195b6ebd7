import { Appender, draft, keys, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { RedisProxy } from '../../harness/redis-proxy.ts';

const SUBSCRIPTION = 'chat-realtime-relay';
const SOON = { timeout: 30_000, interval: 20 };

// Its own Redis: what foreign servers do to it is nobody else's.
let server: RunningRedis;
let redis: Redis;
let proxy: RedisProxy;
let replica: TestRealtime;
let pablo: Account;
let joe: Account;
let room: string;
let sockets: ChatSocket[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  proxy = await RedisProxy.start(server.url);
  replica = await startRealtime(proxy.url, { LIMITS: 'off' });
  [pablo, joe] = [await createAccount(redis), await createAccount(redis)];
});
afterAll(async () => {
  await replica.stop();
  await removeAccounts(redis, [pablo, joe]);
  await redis.quit();
  await proxy.stop();
  await server.stop();
});
beforeEach(async () => {
  sockets = [];
  room = (await new Rooms(redis).createNamed('order', pablo.id)).id;
  await new Rooms(redis).join(joe.id, room);
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
});

async function connect(account: Account, query = ''): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl + query, { token: account.token });
  sockets.push(socket);
  await socket.next('hello');
  if (query === '') await socket.settle();
  return socket;
}

/** What another replica stores and publishes. */
function append(...texts: string[]) {
  const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
  return appender.append(
    room,
    texts.map((text) => draft(joe.id, room, text, undefined, false)),
  );
}

async function appendMany(count: number, text = ''): Promise<number[]> {
  const dates: number[] = [];
  for (let start = 0; start < count; start += 250) {
    const texts = Array.from({ length: Math.min(250, count - start) }, (_, n) => `${start + n}${text}`);
    dates.push(...(await append(...texts)).map(({ date }) => Number(date)));
  }
  return dates;
}

const publish = (data: object, serverId = 'elsewhere') =>
  redis.publish('MESSAGES', JSON.stringify({ serverId, type: 'message', data }));
const store = (date: number, member: object | string) =>
  redis.zadd(keys.room(room), date, typeof member === 'string' ? member : JSON.stringify(member));
const foreign = (date: number, message: string) => ({ from: joe.id, date, message, roomId: room });
const shown = (socket: ChatSocket, text: string) =>
  socket.next('message', ({ roomId, message }) => roomId === room && message === text);
const texts = (socket: ChatSocket) => socket.messages(room).map(({ message }) => message);
const gaps = (socket: ChatSocket) =>
  socket.frames.flatMap(({ type, data }) => (type === 'gap' && data.roomId === room ? [data] : []));
const now = () => Date.now() / 1000;

/** The dates that a socket was neither shown nor told a gap for. */
function hidden(socket: ChatSocket, dates: readonly number[]): number[] {
  const shown = new Set(socket.messages(room).map(({ date }) => date));
  return dates.filter(
    (date) => !shown.has(date) && !gaps(socket).some(({ from, to }) => from < date && date <= to),
  );
}

async function withoutSubscription(act: () => Promise<void>): Promise<void> {
  proxy.block(SUBSCRIPTION);
  proxy.cut(SUBSCRIPTION);
  await act();
  proxy.heal(SUBSCRIPTION);
  await expect.poll(() => proxy.connections(SUBSCRIPTION), SOON).toBe(1);
}

describe('members that cannot be read', () => {
  it('hide no gap from a client that comes back', async () => {
    const [first] = await appendMany(1);
    await store(first! + 1e-6, 'not json');
    const dates = await appendMany(600);
    const socket = await connect(joe, '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: first! } } });
    await socket.next('resumed');
    expect(hidden(socket, dates)).toEqual([]);
  });

  it('end no repair early', async () => {
    const socket = await connect(joe);
    let dates: number[] = [];
    await withoutSubscription(async () => {
      const [first] = await appendMany(1);
      await store(first! + 1e-6, 'not json');
      dates = await appendMany(1500);
    });
    await expect.poll(() => hidden(socket, dates), SOON).toEqual([]);
  });
});

describe('a date ahead of time', () => {
  it.each([
    ['foreign, published and not stored', async () => publish(foreign(now() + 3500, 'ahead'))],
    [
      'in the layout of this cluster, two hours ahead, published and not stored',
      async (last: number) => publish({ ...foreign(now() + 7200, 'ahead'), prev: last, cid: 'x' }),
    ],
    [
      'stored, chained to, and lost with a Redis that failed',
      async () => {
        await store(now() + 3000, foreign(now() + 3000, 'lost'));
        const [stored] = await append('ahead');
        await expect.poll(() => texts(sockets[0]!), SOON).toContain('ahead');
        await redis.zremrangebyscore(keys.room(room), now() + 2000, stored!.date);
      },
    ],
  ])('hides nothing that follows: %s', async (_, act) => {
    const [sender, reader] = [await connect(pablo), await connect(joe)];
    const last = await sender.say(room, 'before');
    await act(last);
    await shown(reader, 'ahead');
    for (const text of ['1', '2', '3', '4', '5']) await sender.say(room, text);
    for (const socket of [sender, reader]) {
      await expect.poll(() => texts(socket).filter((text) => /^\d$/.test(text)), SOON).toEqual([...'12345']);
    }
    const [, score] = await redis.zrevrange(keys.room(room), 0, 0, 'WITHSCORES');
    const { rooms } = await (await connect(joe)).next('hello');
    expect(rooms.find(({ id }) => id === room)!.last).toBeLessThanOrEqual(Number(score));
  });

  it('of an unstored message is no place for a new client to begin at', async () => {
    const sender = await connect(pablo);
    const last = await sender.say(room, 'before');
    await publish({ ...foreign(now() + 1000, 'ahead'), prev: last, cid: 'x' });
    await shown(sender, 'ahead');
    const { rooms } = await (await connect(joe)).next('hello');
    expect(rooms.find(({ id }) => id === room)!.last).toBe(last);
  });
});

describe('a date behind the last one', () => {
  it('hides no newer message from a client that comes back, though the chain seems to fork there', async () => {
    const sender = await connect(pablo);
    const first = await sender.say(room, 'first');
    const newer = await sender.say(room, 'newer');
    await shown(sender, 'newer');
    const socket = await connect(joe, '?resume=1');
    await publish({ ...foreign((first + newer) / 2, 'behind'), prev: first, cid: 'x' });
    await shown(sender, 'behind');
    socket.send({ type: 'resume', data: { rooms: { [room]: first } } });
    await socket.next('resumed');
    expect(hidden(socket, [newer])).toEqual([]);
  });
});

describe('what a foreign server dates by whole seconds', () => {
  /** Something is said late in a second, so that what is dated by that second sorts before it. */
  async function sayLate(sender: ChatSocket): Promise<number> {
    for (;;) {
      const date = await sender.say(room, 'own');
      if (date - Math.floor(date) > 0.01) return date;
    }
  }

  it('is resumed though it sorts before the date that the client has', async () => {
    const sender = await connect(pablo);
    await publish(foreign(now(), 'loud'));
    await shown(sender, 'loud');
    const date = await sayLate(sender);
    await store(Math.floor(date), foreign(Math.floor(date), 'silent'));
    const socket = await connect(joe, '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: date } } });
    await socket.next('resumed');
    expect(texts(socket)).toEqual(['silent']);
  });

  it('and not published shows with the next one that is, once', async () => {
    const sender = await connect(pablo);
    const date = await sayLate(sender);
    const second = Math.floor(date);
    await store(second, foreign(second, 'silent'));
    await store(second, foreign(second, 'loud'));
    await publish(foreign(second, 'loud'));
    await shown(sender, 'silent');
    await store(second, foreign(second, 'loud too'));
    await publish(foreign(second, 'loud too'));
    await shown(sender, 'loud too');
    await store(second, foreign(second, 'silent too'));
    await publish(foreign(second, 'loud three'));
    await shown(sender, 'silent too');
    expect(texts(sender).filter((text) => text !== 'own')).toEqual([
      'loud',
      'silent',
      'loud too',
      'loud three',
      'silent too',
    ]);
  });
});

describe('a replica that missed much', () => {
  it('tells a gap instead of publishing all of it, and closes nobody as slow', async () => {
    const socket = await connect(joe);
    let dates: number[] = [];
    const before = await replica.metric('chat_slow_consumers_total');
    await withoutSubscription(async () => {
      dates = await appendMany(2000, 'x'.repeat(3000));
    });
    await expect.poll(() => hidden(socket, dates), SOON).toEqual([]);
    expect(gaps(socket)).toHaveLength(1);
    expect(gaps(socket)[0]!.to).toBe(dates.at(-1));
    await append('goes on');
    await shown(socket, 'goes on');
    expect(texts(socket)).toEqual(['goes on']);
    expect(await replica.metric('chat_slow_consumers_total')).toBe(before);
  });
});

describe('a replica whose clock is hours behind that of Redis', () => {
  it('resumes and repairs all the same', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * 3600_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const dates = await appendMany(3);
    const socket = await connect(joe, '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: dates[0]! } } });
    expect((await socket.next('resumed')).rooms[room]).toBe(dates[2]);
    expect(texts(socket)).toEqual(['1', '2']);
    await withoutSubscription(async () => {
      await append('missed');
    });
    await shown(socket, 'missed');
  });
});
