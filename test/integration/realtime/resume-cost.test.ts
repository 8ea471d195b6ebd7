import { Appender, draft, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { EventStream } from '../../harness/event-stream.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { RedisProxy } from '../../harness/redis-proxy.ts';

const COMMANDS = 'chat-realtime';
const ROOMS = 20;
const MESSAGES = 400;
const TEXT = 'x'.repeat(4000);
const MEGABYTE = 1024 * 1024;

let server: RunningRedis;
let redis: Redis;
let proxy: RedisProxy;
let replica: TestRealtime;
/** Rooms with 1.6 MB each. */
let rooms: string[];
let sockets: ChatSocket[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  proxy = await RedisProxy.start(server.url);
  replica = await startRealtime(proxy.url);
  const { id: writer } = await createAccount(redis);
  rooms = [];
  const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
  for (let n = 0; n < ROOMS; n++) {
    const { id } = await new Rooms(redis).createNamed('missed', writer);
    const drafts = Array.from({ length: MESSAGES / 2 }, () => draft(writer, id, TEXT, undefined, false));
    for (let half = 0; half < 2; half++) await appender.append(id, drafts);
    rooms.push(id);
  }
});
afterAll(async () => {
  await replica.stop();
  await redis.quit();
  await proxy.stop();
  await server.stop();
});
beforeEach(() => {
  sockets = [];
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
});

/** A user who is in all of the rooms, missed them, and has read nothing yet. */
async function newcomer(): Promise<Account> {
  const account = await createAccount(redis);
  for (const id of rooms) await new Rooms(redis).join(account.id, id);
  return account;
}

async function connect({ token }: Account): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(`${replica.socketUrl}?resume=1`, { token });
  sockets.push(socket);
  await socket.next('hello');
  return socket;
}

/** Bytes that Redis has sent to its clients. */
async function sent(): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))![1]);
}

const everything = () => Object.fromEntries(rooms.map((id) => [id, 0]));
const gapsOf = (socket: ChatSocket) =>
  socket.frames.flatMap(({ type, data }) => (type === 'gap' ? [data.roomId] : []));
const errorsOf = (socket: ChatSocket) =>
  socket.frames.flatMap(({ type, data }) => (type === 'error' ? [data.code] : []));

it('a resume reads little more than it sends, however much is missing', async () => {
  const socket = await connect(await newcomer());
  const before = await sent();
  socket.send({ type: 'resume', data: { rooms: everything() } });
  await socket.next('resumed');
  expect(gapsOf(socket).sort()).toEqual([...rooms].sort());
  expect((await sent()) - before).toBeLessThan(2 * MEGABYTE);
});

it('event streams that ask for everything read little more than they are sent', async () => {
  const { token } = await newcomer();
  const before = await sent();
  const streams = await Promise.all(
    Array.from({ length: 20 }, () =>
      EventStream.open(`${replica.url}/stream`, {
        authorization: `Bearer ${token}`,
        'last-event-id': '0',
      }),
    ),
  );
  onTestFinished(() => {
    for (const stream of streams) stream.close();
  });
  // Each is told gaps, whether it was read for or its user had read enough.
  for (const stream of streams) await stream.next('gap', ({ roomId }) => roomId === rooms.at(-1));
  expect((await sent()) - before).toBeLessThan(20 * MEGABYTE);
});

it('a user who resumes too much is told so, is told what is missing, and goes on live', async () => {
  const account = await createAccount(redis);
  const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
  const { id } = await new Rooms(redis).createNamed('mine', account.id);
  const drafts = Array.from({ length: 100 }, () => draft(account.id, id, TEXT, undefined, false));
  await appender.append(id, drafts);
  let socket = await connect(account);
  for (let n = 0; n < 60 && errorsOf(socket).length === 0; n++) {
    // Another connection is no way out.
    if (n % 10 === 9) socket = await connect(account);
    socket.send({ type: 'resume', data: { rooms: { [id]: 0 } } });
    await socket.settle();
  }
  await socket.next('error', ({ code }) => code === 'rate_limited');
  expect(gapsOf(socket)).toContain(id);
  await socket.say(id, 'live');
  await socket.next('message', ({ message }) => message === 'live');
});

it('the rooms of a resume are looked up together', async () => {
  const socket = await connect(await newcomer());
  proxy.delay(COMMANDS, 30);
  onTestFinished(() => proxy.heal(COMMANDS));
  const unknown = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`${100_000 + n}`, 0]));
  socket.send({ type: 'resume', data: { rooms: unknown } });
  // One after the other they would take 27 s.
  await socket.next('resumed');
  expect(errorsOf(socket)).toHaveLength(900);
});

it('a client that is at a place that Redis lost is told that it may lack all, and is not vouched for', async () => {
  const id = rooms[0]!;
  const [, last] = await redis.zrevrange(`room:${id}`, 0, 0, 'WITHSCORES');
  const socket = await connect(await newcomer());
  socket.send({ type: 'resume', data: { rooms: { [id]: Number(last) + 5 } } });
  await socket.next('resumed');
  expect(await socket.next('gap')).toEqual({ roomId: id, from: 0, to: Number(last) });
});

it('a client that is at a place ahead of the clock goes on from where Redis went on', async () => {
  const account = await createAccount(redis);
  const { id } = await new Rooms(redis).createNamed('set back', account.id);
  const say = async (text: string) => {
    const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
    const [appended] = await appender.append(id, [draft(account.id, id, text, undefined, false)]);
    return Number(appended!.date);
  };
  const first = await say('first');
  const ahead = Math.floor(Date.now() / 1000) + 7200.5;
  const member = `{"from":${account.id},"date":${ahead.toFixed(6)},"message":"ahead","roomId":"${id}","prev":${first.toFixed(6)}}`;
  await redis.zadd(`room:${id}`, ahead, member);
  const second = await say('second');
  const socket = await connect(account);
  socket.send({ type: 'resume', data: { rooms: { [id]: ahead } } });
  expect((await socket.next('resumed')).rooms[id]).toBe(second);
  expect(socket.messages(id).map(({ message }) => message)).toEqual(['second']);
});
