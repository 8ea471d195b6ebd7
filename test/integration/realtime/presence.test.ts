import { setTimeout as sleep } from 'node:timers/promises';
import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BRIEF_MS } from '../../harness/absence.ts';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { changesTold, told } from '../../harness/told.ts';

// Its own Redis: the sets of the whole cluster are looked at.
let server: RunningRedis;
let redis: Redis;
let replicas: [TestRealtime, TestRealtime];
let watcher: ChatSocket;
let account: Account;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replicas = [
    await startRealtime(server.url, { LIMITS: 'off' }),
    await startRealtime(server.url, { LIMITS: 'off' }),
  ];
  watcher = await ChatSocket.connect(replicas[0].socketUrl, {
    token: (await createAccount(redis, 'watcher')).token,
  });
  await watcher.next('user.connected');
});
afterAll(async () => {
  await watcher.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
  await redis.quit();
  await server.stop();
});
beforeEach(async () => {
  account = await createAccount(redis);
});

const connect = async (replica: TestRealtime, { token } = account) => {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  await socket.next('hello');
  return socket;
};
const online = (id = account.id) => redis.sismember(keys.onlineUsers, id);
const toldOf = (id = account.id) => told(watcher, id);
/** Resolves when the watcher was told last that the user is there, or is not. */
const untilLast = (expected: boolean, id = account.id) =>
  expect.poll(() => toldOf(id).at(-1), { timeout: 15_000 }).toBe(expected);

describe('presence', () => {
  it('is told on the first and the last socket only, wherever they are', async () => {
    const first = await connect(replicas[0]);
    await untilLast(true);
    expect(await online()).toBe(1);
    const second = await connect(replicas[1]);
    await expect.poll(() => redis.hlen(keys.userConnections(account.id))).toBe(2);
    await first.close();
    await expect.poll(() => redis.hlen(keys.userConnections(account.id))).toBe(1);
    expect(await online()).toBe(1);
    expect(toldOf()).toEqual([true]);
    await second.close();
    await untilLast(false);
    expect(changesTold(watcher).at(-1)).toEqual({
      id: account.id,
      username: account.username,
      online: false,
    });
    expect(await online()).toBe(0);
    expect(await redis.exists(keys.userConnections(account.id))).toBe(0);
    expect(toldOf()).toEqual([true, false]);
  });

  it('counts the tabs of one replica', async () => {
    const tabs = await Promise.all([1, 2, 3].map(() => connect(replicas[1])));
    await expect.poll(() => redis.hget(keys.userConnections(account.id), replicas[1].serverId)).toBe('3');
    await tabs.pop()!.close();
    await expect.poll(() => redis.hget(keys.userConnections(account.id), replicas[1].serverId)).toBe('2');
    await Promise.all(tabs.map((tab) => tab.close()));
    await expect.poll(() => online()).toBe(0);
  });

  it('says nothing of a tab that reloads', async () => {
    let socket = await connect(replicas[0]);
    await untilLast(true);
    let longest = 0;
    for (let reload = 0; reload < 5; reload++) {
      const leftAt = performance.now();
      await socket.close();
      socket = await connect(replicas[0]);
      longest = Math.max(longest, performance.now() - leftAt);
    }
    await socket.close();
    await untilLast(false);
    // On a machine that takes longer to reload, the user was offline.
    if (longest < BRIEF_MS) expect(toldOf()).toEqual([true, false]);
  });

  it('says nothing of a user who goes from one replica to the other', async () => {
    let socket = await connect(replicas[0]);
    await untilLast(true);
    let longest = 0;
    for (let move = 1; move <= 4; move++) {
      const leftAt = performance.now();
      await socket.close();
      // Longer than a replica gathers changes.
      await sleep(350);
      const next = replicas[move % 2]!;
      socket = await connect(next);
      await expect.poll(() => redis.hget(keys.userConnections(account.id), next.serverId)).toBe('1');
      longest = Math.max(longest, performance.now() - leftAt);
    }
    await socket.close();
    await untilLast(false);
    if (longest < BRIEF_MS) expect(toldOf()).toEqual([true, false]);
  });

  it('stays when a foreign server, whose own socket of the user closed, says the user is gone', async () => {
    const socket = await connect(replicas[1]);
    await untilLast(true);
    await redis.srem(keys.onlineUsers, account.id);
    await redis.publish(
      'MESSAGES',
      JSON.stringify({
        serverId: 4132,
        type: 'user.disconnected',
        data: { id: account.id, username: account.username, online: false },
      }),
    );
    await expect.poll(() => online()).toBe(1);
    await untilLast(true);
    await socket.close();
    await expect.poll(() => online()).toBe(0);
  });

  it('of a foreign server is shown', async () => {
    await redis.publish(
      'MESSAGES',
      JSON.stringify({
        serverId: 4132,
        type: 'user.connected',
        data: { id: '777', username: 'Frida', online: true },
      }),
    );
    await untilLast(true, 777);
    expect(changesTold(watcher).at(-1)).toEqual({ id: 777, username: 'Frida', online: true });
  });

  it('of a server that died is put right by the others, for users that are nowhere else', async () => {
    const elsewhere = await createAccount(redis);
    const socket = await connect(replicas[1], elsewhere);
    await untilLast(true, elsewhere.id);
    // What a replica that was killed leaves behind: a lease that ran out and its users.
    for (const id of [account.id, elsewhere.id]) {
      await redis.hset(keys.userConnections(id), 'dead-server', 2);
      await redis.sadd(keys.serverUsers('dead-server'), id);
      await redis.sadd(keys.onlineUsers, id);
    }
    await redis.zadd(keys.servers, Math.floor(Date.now() / 1000) - 1, 'dead-server');
    await untilLast(false);
    expect(await online()).toBe(0);
    await expect.poll(() => redis.zscore(keys.servers, 'dead-server')).toBeNull();
    expect(await redis.exists(keys.serverUsers('dead-server'), keys.userConnections(account.id))).toBe(0);
    expect(await online(elsewhere.id)).toBe(1);
    expect(await redis.hkeys(keys.userConnections(elsewhere.id))).toEqual([replicas[1].serverId]);
    expect(toldOf(elsewhere.id)).toEqual([true]);
    await socket.close();
  });

  it('is told again when Redis lost it, or others took this server for dead', async () => {
    const socket = await connect(replicas[1]);
    await expect.poll(() => online()).toBe(1);
    await redis.del(
      keys.servers,
      keys.onlineUsers,
      keys.userConnections(account.id),
      keys.serverUsers(replicas[1].serverId),
    );
    await expect.poll(() => online(), { timeout: 15_000 }).toBe(1);
    expect(await redis.hget(keys.userConnections(account.id), replicas[1].serverId)).toBe('1');
    await socket.close();
    await expect.poll(() => online()).toBe(0);
  });

  it('takes off who just left as well when it is told again', async () => {
    const socket = await connect(replicas[1]);
    await expect.poll(() => online()).toBe(1);
    await socket.close();
    expect(await redis.zrem(keys.servers, replicas[1].serverId)).toBe(1);
    await untilLast(false);
    expect(await online()).toBe(0);
    expect(await redis.exists(keys.userConnections(account.id))).toBe(0);
  });

  it('of a group that comes at once is told in few frames, each user once', async () => {
    const group = await Promise.all(Array.from({ length: 40 }, () => createAccount(redis)));
    const before = watcher.frames.length;
    const sockets = await Promise.all(group.map((one) => connect(replicas[1], one)));
    const ids = new Set(group.map(({ id }) => id));
    const came = () => changesTold(watcher).filter(({ id, online }) => online && ids.has(id));
    await expect.poll(() => came().length, { timeout: 15_000 }).toBe(40);
    expect(new Set(came().map(({ id }) => id)).size).toBe(40);
    expect(watcher.frames.length - before).toBeLessThanOrEqual(10);
    await Promise.all(sockets.map((socket) => socket.close()));
    await expect.poll(() => redis.scard(keys.onlineUsers), { timeout: 15_000 }).toBe(1);
  });

  it('of a crowd is told without names, in frames that do not grow with it', async () => {
    const crowd = await Promise.all(Array.from({ length: 300 }, () => createAccount(redis)));
    const sockets = await Promise.all(crowd.map((one) => connect(replicas[1], one)));
    await expect.poll(() => redis.scard(keys.onlineUsers), { timeout: 15_000 }).toBe(301);
    const before = watcher.frames.length;
    for (const socket of sockets) socket.cut();
    await watcher.next('users.changed', ({ truncated }) => truncated === true);
    await expect.poll(() => redis.scard(keys.onlineUsers), { timeout: 15_000 }).toBe(1);
    const told = JSON.stringify(watcher.frames.slice(before));
    expect(told.length).toBeLessThan(300 * 40);
  });
});
