import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

let server: RunningRedis;
let redis: Redis;
let account: Account;
const replicas: TestRealtime[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  account = await createAccount(redis);
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await redis.quit();
  await server.stop();
});

const start = async (env: Record<string, string> = {}) => {
  const replica = await startRealtime(server.url, { LIMITS: 'off', REBALANCE: 'true', ...env });
  replicas.push(replica);
  return replica;
};

it('a full replica gives a new one its share by reconnect frames, and stops there', async () => {
  const full = await start();
  const still = await start({ REBALANCE: 'false' });
  const sockets = await Promise.all(
    Array.from({ length: 60 }, () => ChatSocket.connect(full.socketUrl, { token: account.token })),
  );
  await Promise.all(sockets.map((socket) => socket.next('hello')));
  let fresh: TestRealtime | undefined;
  const moved: ChatSocket[] = [];
  for (const socket of sockets) {
    // Every client does as it is told, and the balancer sends it to the new replica.
    void socket.closed.then(async ({ code }) => {
      if (code !== 1012 || !fresh) return;
      moved.push(await ChatSocket.connect(fresh.socketUrl, { token: account.token }));
    });
  }
  fresh = await start();
  // Three replicas, one of which takes none: the share is 20 each.
  await expect.poll(() => full.metric('chat_sockets'), { timeout: 40_000 }).toBeLessThan(28);
  const told = () => sockets.filter((socket) => socket.frames.some(({ type }) => type === 'reconnect'));
  // It goes on for a while.
  await expect
    .poll(async () => (await full.metric('chat_rebalanced_total')) - told().length, { timeout: 30_000 })
    .toBe(0);
  expect(await still.metric('chat_rebalanced_total')).toBe(0);
  await Promise.all([...sockets, ...moved].map((socket) => socket.close()));
});

it('a client that came for this very replica is left alone', async () => {
  const [full] = [await start(), await start()];
  const headers = { 'x-chat-pinned': '1' };
  const sockets = await Promise.all(
    Array.from({ length: 20 }, () => ChatSocket.connect(full.socketUrl, { token: account.token, headers })),
  );
  const other = await Promise.all(
    Array.from({ length: 20 }, () => ChatSocket.connect(full.socketUrl, { token: account.token })),
  );
  await expect.poll(() => full.metric('chat_rebalanced_total')).toBeGreaterThan(0);
  expect(sockets.some((socket) => socket.frames.some(({ type }) => type === 'reconnect'))).toBe(false);
  await Promise.all([...sockets, ...other].map((socket) => socket.close()));
});
