import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

const LIMIT = 64;

let server: RunningRedis;
let redis: Redis;
let replicas: TestRealtime[];
let account: Account;
let opened: ChatSocket[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  const env = { SOCKETS_PER_USER: String(LIMIT) };
  replicas = [];
  for (let n = 0; n < 3; n++) replicas.push(await startRealtime(server.url, env));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await redis.quit();
  await server.stop();
});
beforeEach(async () => {
  account = await createAccount(redis);
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((socket) => socket.close()));
});

/** Opens sockets at once, spread over the replicas; resolves with those that were let in. */
async function open(count: number): Promise<ChatSocket[]> {
  const attempts = Array.from({ length: count }, async (_, n) => {
    const { socketUrl } = replicas[n % replicas.length]!;
    const socket = await ChatSocket.connect(socketUrl, { token: account.token });
    const outcome = await Promise.race([
      socket.next('hello').then(() => 'in' as const),
      socket.closed.then(({ code }) => code),
    ]);
    if (outcome !== 'in') expect(outcome).toBe(4429);
    return outcome === 'in' ? [socket] : [];
  });
  const admitted = (await Promise.all(attempts)).flat();
  opened.push(...admitted);
  return admitted;
}

/** What the replicas say in Redis that they have of the user. */
async function counted(): Promise<number> {
  const counts = await redis.hvals(keys.userConnections(account.id));
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

/** What there is of the user in Redis: sockets, whether online, and on each replica. */
async function left(): Promise<number[]> {
  const on = replicas.map(({ serverId }) => redis.sismember(keys.serverUsers(serverId), account.id));
  return [await counted(), await redis.sismember(keys.onlineUsers, account.id), ...(await Promise.all(on))];
}

describe('the limit of sockets a user', () => {
  it('holds when 200 are asked for at once on three replicas, and can be used up', async () => {
    const first = await open(200);
    expect(first.length).toBeLessThanOrEqual(LIMIT);
    // Those that were refused have given back what they claimed.
    await expect.poll(counted, { timeout: 15_000 }).toBe(first.length);
    for (let missing = LIMIT - first.length; missing > 0; missing--) expect(await open(1)).toHaveLength(1);
    expect(await open(3)).toEqual([]);
    await expect.poll(counted, { timeout: 15_000 }).toBe(LIMIT);
    await Promise.all(opened.splice(0, 30).map((socket) => socket.close()));
    await expect.poll(counted, { timeout: 15_000 }).toBe(LIMIT - 30);
    expect((await open(200)).length).toBeLessThanOrEqual(30);
    await expect.poll(counted, { timeout: 15_000 }).toBeLessThanOrEqual(LIMIT);
  });

  it('does not count what a server left behind that is gone', async () => {
    await redis.hset(keys.userConnections(account.id), 'gone', LIMIT);
    expect(await open(1)).toHaveLength(1);
    await redis.hdel(keys.userConnections(account.id), 'gone');
  });

  it('is given back by who is closed before being let in', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 2 * LIMIT }, (_, n) =>
        ChatSocket.connect(replicas[n % 3]!.socketUrl, { token: account.token }),
      ),
    );
    for (const socket of sockets) socket.cut();
    // Each replica admits in the order in which it was asked: this one comes after all of them.
    const other = await createAccount(redis);
    for (const { socketUrl } of replicas) {
      const last = await ChatSocket.connect(socketUrl, { token: other.token });
      opened.push(last);
      await last.next('hello');
    }
    await expect.poll(left, { timeout: 15_000 }).toEqual([0, 0, 0, 0, 0]);
    expect((await open(9)).length).toBe(9);
  });
});
