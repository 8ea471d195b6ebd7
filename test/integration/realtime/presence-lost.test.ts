import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

// Its own Redis: connections to it are cut.
let server: RunningRedis;
let redis: Redis;
let replica: TestRealtime;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replica = await startRealtime(server.url, { LIMITS: 'off' });
});
afterAll(async () => {
  await replica.stop();
  await redis.quit();
  await server.stop();
});

async function connect({ token }: Account): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  await socket.next('hello');
  return socket;
}

const SOON = { timeout: 15_000 };
const online = ({ id }: Account) => redis.sismember(keys.onlineUsers, id);
const sockets = ({ id }: Account) => redis.hget(keys.userConnections(id), replica.serverId);

/** As after a failover to a Redis that lacks the last writes: the replica connects anew, and its lease is there. */
async function failOver(): Promise<void> {
  const lease = await redis.zscore(keys.servers, replica.serverId);
  expect(lease).not.toBeNull();
  expect(await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')).toBeGreaterThan(0);
}

describe('after a failover that lost the last writes', () => {
  it('users who came are listed again, who left are taken off, and numbers of sockets are right', async () => {
    const [came, left, twice] = [
      await createAccount(redis),
      await createAccount(redis),
      await createAccount(redis),
    ];
    const open = [await connect(came), await connect(twice), await connect(twice)];
    await expect.poll(async () => [await online(came), await sockets(twice)], SOON).toEqual([1, '2']);
    // That they came is lost,
    await redis.del(keys.userConnections(came.id));
    await redis.srem(keys.onlineUsers, came.id);
    await redis.srem(keys.serverUsers(replica.serverId), came.id);
    // a second tab,
    await redis.hset(keys.userConnections(twice.id), replica.serverId, 1);
    // and that they left.
    await redis.hset(keys.userConnections(left.id), replica.serverId, 1);
    await redis.sadd(keys.onlineUsers, left.id);
    await redis.sadd(keys.serverUsers(replica.serverId), left.id);
    await failOver();
    await expect
      .poll(async () => [await online(came), await online(left), await sockets(twice)], SOON)
      .toEqual([1, 0, '2']);
    expect(await sockets(came)).toBe('1');
    expect(await redis.exists(keys.userConnections(left.id))).toBe(0);
    await Promise.all(open.map((socket) => socket.close()));
    await expect.poll(() => redis.exists(keys.onlineUsers), SOON).toBe(0);
  });
});
