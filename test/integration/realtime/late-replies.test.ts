import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_CHANNEL } from '@chat/protocol';
import { hashToken, keys, Rooms, Sessions } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { type Account, createAccount, createSession, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { RedisProxy } from '../../harness/redis-proxy.ts';

// The commands' connection is slower than the subscription's: what is told of by both comes in the other order.
const COMMANDS = 'chat-realtime';
const LATE_MS = 1000;

let redis: Redis;
let proxy: RedisProxy;
let replica: TestRealtime;
let account: Account;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  account = await createAccount(redis);
  proxy = await RedisProxy.start(inject('redisUrl'));
  replica = await startRealtime(proxy.url, { REDIS_TIMEOUT_MS: '10000' });
  proxy.delay(COMMANDS, LATE_MS);
});
afterAll(async () => {
  proxy?.heal(COMMANDS);
  await replica?.stop();
  await proxy?.stop();
  await removeAccounts(redis, [account]);
  await redis.quit();
});

it('a heartbeat that is heard before Redis has answered it is heard all the same', async () => {
  // Longer than five heartbeats, after which the replica would be unready.
  await sleep(7500);
  await expect.poll(() => replica.metric('chat_heartbeat_seconds_count')).toBeGreaterThan(4);
  await expect.poll(async () => (await fetch(`${replica.url}/readyz`)).status).toBe(200);
});

it('a room that a user gets while the socket is being admitted is there', async () => {
  const rooms = new Rooms(redis);
  const { id } = await rooms.createNamed('late', (await createAccount(redis)).id);
  const monitor = await redis.monitor();
  onTestFinished(() => monitor.disconnect());
  const roomsRead = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, [command, key]: string[]) => {
      if (command?.toLowerCase() === 'smembers' && key === keys.userRooms(account.id)) resolve();
    });
  });
  const connecting = ChatSocket.connect(replica.socketUrl, { token: account.token });
  await roomsRead;
  await rooms.join(account.id, id);
  await redis.publish(
    CLUSTER_CHANNEL,
    JSON.stringify({
      serverId: 'other',
      type: 'room.granted',
      data: { id, name: 'late', userId: account.id },
    }),
  );
  const socket = await connecting;
  const hello = await socket.next('hello');
  const shown = () => socket.frames.some((frame) => frame.type === 'show.room' && frame.data.id === id);
  await expect.poll(() => hello.rooms.some((room) => room.id === id) || shown()).toBe(true);
  await socket.close();
});

it('a session that ends while its socket is being admitted does not let it in', async () => {
  const token = await createSession(redis, account);
  const hash = hashToken(token);
  const monitor = await redis.monitor();
  onTestFinished(() => monitor.disconnect());
  const found = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, command: string[]) => {
      if (command[0]?.toLowerCase() === 'ttl' && command[1] === keys.session(hash)) resolve();
    });
  });
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  await found;
  await new Sessions(redis, { ttlSeconds: 60, serverId: 'auth' }).revoke({ hash, user: account });
  expect((await socket.closed).code).toBe(4401);
  expect(socket.frames.some(({ type }) => type === 'hello')).toBe(false);
});

it('a socket is admitted though sessions of others end all the time', async () => {
  const ends = setInterval(() => {
    const data = { session: randomUUID() };
    void redis.publish(CLUSTER_CHANNEL, JSON.stringify({ serverId: 'other', type: 'session.revoked', data }));
    const user = { userId: randomInt(2 ** 32, 2 ** 40) };
    void redis.publish(
      CLUSTER_CHANNEL,
      JSON.stringify({ serverId: 'other', type: 'session.revoked', data: user }),
    );
  }, LATE_MS / 8);
  onTestFinished(() => clearInterval(ends));
  const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token });
  expect((await socket.next('hello')).user.id).toBe(account.id);
  await socket.close();
});
