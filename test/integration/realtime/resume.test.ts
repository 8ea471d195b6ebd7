import { Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';

let redis: Redis;
let replicas: [TestRealtime, TestRealtime];
let pablo: Account;
let joe: Account;
let room: string;
let sockets: ChatSocket[];

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  const env = { LIMITS: 'off' };
  replicas = [await startRealtime(inject('redisUrl'), env), await startRealtime(inject('redisUrl'), env)];
  [pablo, joe] = [await createAccount(redis), await createAccount(redis)];
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await removeAccounts(redis, [pablo, joe]);
  await redis.quit();
});
beforeEach(async () => {
  sockets = [];
  const { id } = await new Rooms(redis).createNamed('resume', pablo.id);
  await new Rooms(redis).join(joe.id, id);
  room = id;
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
});

async function connect(account: Account, replica: TestRealtime, query = ''): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl + query, { token: account.token });
  sockets.push(socket);
  await socket.next('hello');
  return socket;
}
const texts = (socket: ChatSocket) => socket.messages(room).map(({ message }) => message);
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `${from + index}`);

describe('a client that comes back', () => {
  it('gets what it missed, then what is new, with nothing twice, missing or out of order, while others talk', async () => {
    const writer = await connect(pablo, replicas[0]);
    const total = 600;
    let sent = 0;
    const writing = (async () => {
      for (; sent < total; sent++) await writer.say(room, `${sent}`);
    })();
    const seen: string[] = [];
    let position = 0;
    // Comes and goes on both replicas all the while.
    for (let visit = 0; seen.length < total && visit < 1000; visit++) {
      const socket = await connect(joe, replicas[visit % 2]!, '?resume=1');
      socket.send({ type: 'resume', data: { rooms: { [room]: position } } });
      await socket.next('resumed');
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.cut();
      await socket.closed;
      const messages = socket.messages(room);
      for (const { prev, date } of messages) {
        expect(prev).toBe(position);
        position = date;
      }
      seen.push(...messages.map(({ message }) => message));
    }
    await writing;
    expect(seen).toEqual(numbers(total));
  });

  it('needs no flag when it resumes at once', async () => {
    const writer = await connect(pablo, replicas[0]);
    const dates: number[] = [];
    for (const text of numbers(5)) dates.push(await writer.say(room, text));
    const socket = await connect(joe, replicas[1]);
    socket.send({ type: 'resume', data: { rooms: { [room]: dates[1]! } } });
    const { rooms } = await socket.next('resumed');
    expect(rooms).toEqual({ [room]: dates[4] });
    expect(texts(socket)).toEqual(numbers(3, 2));
    await writer.say(room, '5');
    await expect.poll(() => texts(socket)).toEqual(numbers(4, 2));
  });

  it('that has everything is told so and sent nothing', async () => {
    const writer = await connect(pablo, replicas[0]);
    const date = await writer.say(room, '0');
    const socket = await connect(joe, replicas[0], '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: date } } });
    expect(await socket.next('resumed')).toEqual({ rooms: { [room]: date } });
    expect(texts(socket)).toEqual([]);
  });

  it('with more than 500 missing gets a gap that names the range, and goes on live behind it', async () => {
    const writer = await connect(pablo, replicas[0]);
    const first = await writer.say(room, 'first');
    let last = 0;
    for (let batch = 0; batch < 6; batch++) {
      const dates = await Promise.all(numbers(100).map((text) => writer.say(room, text)));
      last = Math.max(...dates);
    }
    await writer.next('message', ({ date }) => date === last);
    const socket = await connect(joe, replicas[0], '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: first } } });
    expect(await socket.next('gap')).toEqual({ roomId: room, from: first, to: last });
    await socket.next('resumed');
    await writer.say(room, 'after');
    await expect.poll(() => texts(socket)).toEqual(['after']);
    expect(socket.messages(room)[0]!.prev).toBe(last);
  });

  it('of exactly 500 missing gets all', async () => {
    const writer = await connect(pablo, replicas[0]);
    const first = await writer.say(room, 'first');
    for (let batch = 0; batch < 5; batch++) {
      await Promise.all(numbers(100, batch * 100).map((text) => writer.say(room, text)));
    }
    const socket = await connect(joe, replicas[0], '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: first } } });
    await socket.next('resumed');
    // Those that were just said may come live behind it.
    await expect.poll(() => texts(socket).length).toBe(500);
    expect(texts(socket)).toEqual(numbers(500));
    expect(socket.frames.some(({ type }) => type === 'gap')).toBe(false);
  });

  it.each([
    ['x'.repeat(4000), 200],
    ['字'.repeat(1200), 300],
  ])('with more bytes missing than one resume brings gets a gap (%#)', async (text, count) => {
    const writer = await connect(pablo, replicas[0]);
    const first = await writer.say(room, 'first');
    const dates = await Promise.all(Array.from({ length: count }, () => writer.say(room, text)));
    const last = Math.max(...dates);
    await writer.next('message', ({ date }) => date === last);
    const socket = await connect(joe, replicas[0], '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { [room]: first } } });
    await socket.next('resumed');
    expect(socket.frames.find(({ type }) => type === 'gap')?.data).toEqual({
      roomId: room,
      from: first,
      to: last,
    });
    expect(texts(socket)).toEqual([]);
  });

  it('asking for rooms that are not its own is told, and gets the others', async () => {
    const writer = await connect(pablo, replicas[0]);
    await writer.say(room, 'mine');
    const socket = await connect(joe, replicas[0], '?resume=1');
    socket.send({ type: 'resume', data: { rooms: { '999998:999999': 0, '424242': 0, [room]: 0 } } });
    await socket.next('resumed');
    expect(texts(socket)).toEqual(['mine']);
    const codes = socket.frames.flatMap((frame) => (frame.type === 'error' ? [frame.data.code] : []));
    expect(codes.sort()).toEqual(['room_forbidden', 'room_not_found']);
  });

  it('that asks again while it is live is sent the range once more', async () => {
    const writer = await connect(pablo, replicas[0]);
    const dates: number[] = [];
    for (const text of numbers(4)) dates.push(await writer.say(room, text));
    await expect.poll(() => texts(writer)).toEqual(numbers(4));
    writer.send({ type: 'resume', data: { rooms: { [room]: dates[1]! } } });
    await writer.next('resumed');
    expect(texts(writer)).toEqual([...numbers(4), ...numbers(2, 2)]);
  });

  it('that says it will resume and does not is live after a while all the same', async () => {
    const socket = await connect(joe, replicas[0], '?resume=1');
    const writer = await connect(pablo, replicas[0]);
    await writer.say(room, 'meanwhile');
    await socket.next('message', ({ message }) => message === 'meanwhile');
    expect(texts(socket)).toEqual(['meanwhile']);
  });
});
