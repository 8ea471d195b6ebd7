import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { told } from '../../harness/told.ts';

interface Heard {
  type: string;
  data: Record<string, unknown>;
}

// Its own Redis: all that is published on it is looked at.
let server: RunningRedis;
let redis: Redis;
/** A server written to the tutorial listens. */
let listener: Redis;
let heard: Heard[];
let replicas: [TestRealtime, TestRealtime];
let watcher: ChatSocket;
let account: Account;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  listener = redis.duplicate();
  await listener.subscribe('MESSAGES');
  listener.on('message', (_channel, text) => heard.push(JSON.parse(text)));
  heard = [];
  replicas = [
    await startRealtime(server.url, { LIMITS: 'off' }),
    await startRealtime(server.url, { LIMITS: 'off' }),
  ];
  watcher = await connect(replicas[0], await createAccount(redis, 'watcher'));
});
afterAll(async () => {
  await watcher.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
  listener.disconnect();
  await redis.quit();
  await server.stop();
});
beforeEach(async () => {
  account = await createAccount(redis);
  heard = [];
});

async function connect(replica: TestRealtime, { token }: Account): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  await socket.next('hello');
  return socket;
}

/** A server written to the tutorial says that a user came or went. */
async function tell(
  came: boolean,
  { id, username }: { id: number; username: string } = account,
  serverId = 4132,
): Promise<void> {
  if (came) await redis.sadd(keys.onlineUsers, id);
  else await redis.srem(keys.onlineUsers, id);
  const type = came ? 'user.connected' : 'user.disconnected';
  await redis.publish('MESSAGES', JSON.stringify({ serverId, type, data: { id, username, online: came } }));
}

const online = (id = account.id) => redis.sismember(keys.onlineUsers, id);
const sockets = (id = account.id) => redis.hkeys(keys.userConnections(id));
const toldOf = (id = account.id) => told(watcher, id);
const SOON = { timeout: 15_000 };

describe("the tutorial's servers", () => {
  it('hear of each user who comes and goes by an event of its own, however many they are', async () => {
    const crowd = await Promise.all(Array.from({ length: 80 }, () => createAccount(redis)));
    const open = await Promise.all(crowd.map((one) => connect(replicas[1], one)));
    const events = (type: string) =>
      crowd.map(({ id }) => heard.filter((event) => event.type === type && event.data.id === id));
    const each = (online: boolean) =>
      crowd.map(({ id, username }) => [expect.objectContaining({ data: { id, username, online } })]);
    await expect.poll(() => events('user.connected'), SOON).toEqual(each(true));
    await Promise.all(open.map((socket) => socket.close()));
    await expect.poll(() => events('user.disconnected'), SOON).toEqual(each(false));
  });

  it('have events that no replica takes for news', async () => {
    const socket = await connect(replicas[1], account);
    await expect.poll(() => toldOf(), SOON).toEqual([true]);
    await socket.close();
    await expect.poll(() => toldOf(), SOON).toEqual([true, false]);
    expect(await sockets()).toEqual([]);
  });
});

describe('a user who is connected to a server written to the tutorial', () => {
  it('stays online when the last socket here closes, until that server says that the user left', async () => {
    const barrier = await createAccount(redis);
    await tell(true);
    await expect.poll(() => toldOf(), SOON).toEqual([true]);
    const socket = await connect(replicas[1], account);
    await expect.poll(sockets, SOON).toContain(replicas[1].serverId);
    await socket.close();
    await expect.poll(sockets, SOON).not.toContain(replicas[1].serverId);
    // The replica tells its changes in their order: what comes later shows that nothing was told before.
    const later = await connect(replicas[1], barrier);
    await expect.poll(() => toldOf(barrier.id), SOON).toEqual([true]);
    expect(toldOf().at(-1)).toBe(true);
    expect(await online()).toBe(1);
    expect(heard.filter(({ type, data }) => type === 'user.disconnected' && data.id === account.id)).toEqual(
      [],
    );

    await tell(false);
    await expect.poll(() => toldOf().at(-1), SOON).toBe(false);
    expect(await online()).toBe(0);
    expect(await sockets()).toEqual([]);
    await later.close();
  });

  it('and to another one stays until both have said so', async () => {
    await tell(true, account, 1);
    await tell(true, account, 2);
    await expect.poll(async () => (await sockets()).length, SOON).toBe(2);
    await tell(false, account, 1);
    await expect.poll(async () => (await sockets()).length, SOON).toBe(1);
    await expect.poll(() => online(), SOON).toBe(1);
    await tell(false, account, 2);
    await expect.poll(() => toldOf().at(-1), SOON).toBe(false);
    expect(await online()).toBe(0);
  });

  it('is taken off a day after that server last told of anybody, as it may have died', async () => {
    await tell(true);
    await expect.poll(sockets, SOON).toEqual(['foreign:4132']);
    const [time] = (await redis.time()) as unknown as [string];
    const lease = Number(await redis.zscore(keys.foreignServers, 'foreign:4132'));
    expect(lease - Number(time)).toBeGreaterThan(86_000);
    expect(lease - Number(time)).toBeLessThanOrEqual(86_401);
    await redis.zadd(keys.foreignServers, 1, 'foreign:4132');
    await expect.poll(() => online(), SOON).toBe(0);
    await expect.poll(() => toldOf().at(-1), SOON).toBe(false);
    await expect.poll(() => redis.zscore(keys.foreignServers, 'foreign:4132'), SOON).toBeNull();
    expect(await sockets()).toEqual([]);
  });

  it('is not noted where no list has the user, where the id of the server is none, and for replicas', async () => {
    const { id, username } = account;
    const say = (serverId: unknown, more = {}) => {
      const data = { id, username, online: true, ...more };
      return redis.publish('MESSAGES', JSON.stringify({ serverId, type: 'user.connected', data }));
    };
    /** Replicas note what they hear in its order. */
    const barrier = async () => {
      const other = await createAccount(redis);
      await tell(true, other);
      await expect.poll(() => sockets(other.id), SOON).toEqual(['foreign:4132']);
    };
    await say(4132);
    await barrier();
    await redis.sadd(keys.onlineUsers, id);
    await say('x'.repeat(1000));
    // As a replica of an earlier version does.
    await say('chat-1-9f3c2a10', { at: Date.now() / 1000 });
    await barrier();
    expect(await sockets()).toEqual([]);
  });
});
