import { keys, Rooms, Sessions } from '@chat/store';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { RoomEvents } from '../../../services/history/src/room-events.ts';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { RedisProxy } from '../../harness/redis-proxy.ts';
import { untilTold } from '../../harness/told.ts';

/** What a replica calls the connection of its subscription, and that of its commands. */
const SUBSCRIPTION = 'chat-realtime-relay';
const COMMANDS = 'chat-realtime';

let server: RunningRedis;
let redis: Redis;
let proxy: RedisProxy;
/** Behind the proxy. */
let cut: TestRealtime;
let other: TestRealtime;
let rooms: Rooms;
let events: RoomEvents;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  proxy = await RedisProxy.start(server.url);
  // Looking at the sessions now and then is not what finds them here.
  const env = { SESSION_CHECK_MS: '600000', REDIS_TIMEOUT_MS: '10000' };
  [cut, other] = [await startRealtime(proxy.url, env), await startRealtime(server.url, env)];
  rooms = new Rooms(redis);
  events = new RoomEvents(redis, 'history-test', true);
});
afterEach(async () => {
  await Promise.all([cut.stop(), other.stop()]);
  await proxy.stop();
  await redis.quit();
  await server.stop();
});

async function connect(replica: TestRealtime, { token }: Account): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  onTestFinished(async () => {
    await socket.close();
  });
  await socket.next('hello');
  return socket;
}

async function stopListening(): Promise<void> {
  proxy.block(SUBSCRIPTION);
  proxy.cut(SUBSCRIPTION);
  await expect.poll(async () => (await fetch(`${cut.url}/readyz`)).status).toBe(503);
}

it('whatever happened while a replica did not listen is right there once it does again', async () => {
  const [pablo, joe, mary, alex] = await Promise.all([1, 2, 3, 4].map(() => createAccount(redis)));
  const [a, b, c] = [await connect(cut, pablo!), await connect(cut, joe!), await connect(cut, mary!)];
  const leaving = await connect(other, alex!);
  await untilTold(c, alex!.id, [true]);

  await stopListening();
  const lunch = await rooms.createNamed('Lunch', mary!.id);
  await rooms.join(pablo!.id, lunch.id);
  for (const { id } of [pablo!, mary!]) await events.namedRoom(lunch.id, lunch.name, id);
  const pair = (await rooms.createPrivate(pablo!.id, mary!.id))!;
  await events.privateRoom(pair.id, [pablo!.username, mary!.username]);
  await new Sessions(redis, { ttlSeconds: 60, serverId: 'auth-test' }).revoke({
    hash: joe!.session,
    user: joe!,
  });
  await leaving.close();
  await expect.poll(() => redis.sismember(keys.onlineUsers, alex!.id)).toBe(0);
  proxy.heal(SUBSCRIPTION);

  for (const socket of [a, c]) {
    expect(await socket.next('show.room', ({ id }) => id === lunch.id)).toMatchObject({ name: 'Lunch' });
    await socket.next('show.room', ({ id }) => id === pair.id);
  }
  for (const id of [lunch.id, pair.id]) {
    const date = await a.say(id, 'here we are');
    expect(await c.next('message', ({ roomId }) => roomId === id)).toMatchObject({ date });
  }
  expect((await b.closed).code).toBe(4401);
  await c.next('users.changed', ({ truncated }) => truncated === true);
});

it('what cannot be read yet when the replica listens again is read once commands are answered', async () => {
  const pablo = await createAccount(redis);
  const socket = await connect(cut, pablo);
  await stopListening();
  proxy.block(COMMANDS);
  proxy.cut(COMMANDS);
  await socket.next('degraded');
  const { id, name } = await rooms.createNamed('Lunch', pablo.id);
  await events.namedRoom(id, name, pablo.id);
  proxy.heal(SUBSCRIPTION);
  const conditions = async () => (await (await fetch(`${cut.url}/readyz`)).json()).conditions;
  await expect.poll(conditions).toMatchObject({ subscription: true, redis: false });
  proxy.heal(COMMANDS);
  await socket.next('show.room', (room) => room.id === id);
});

it('a room that a user got meanwhile is there for a client whose admission began before', async () => {
  const pablo = await createAccount(redis);
  const { id, name } = await rooms.createNamed('Lunch', (await createAccount(redis)).id);
  await stopListening();
  const monitor = await redis.monitor();
  onTestFinished(() => monitor.disconnect());
  const commanded = (name: string) =>
    new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, [command]: string[]) => {
        if (command?.toLowerCase() === name) resolve();
      });
    });
  const [roomsRead, subscribed] = [commanded('smembers'), commanded('subscribe')];
  // Long enough for the subscription to be back before the answer is.
  proxy.delay(COMMANDS, 3000);
  const connecting = connect(cut, pablo);
  await roomsRead;
  await rooms.join(pablo.id, id);
  await events.namedRoom(id, name, pablo.id);
  proxy.heal(SUBSCRIPTION);
  await subscribed;
  proxy.heal(COMMANDS);
  const socket = await connecting;
  const { rooms: greeted } = await socket.next('hello');
  const shown = () => socket.frames.some((frame) => frame.type === 'show.room' && frame.data.id === id);
  await expect.poll(() => greeted.some((room) => room.id === id) || shown()).toBe(true);
});
