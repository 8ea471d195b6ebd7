import { CLUSTER_CHANNEL } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { RedisProxy } from '../../harness/redis-proxy.ts';

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

it('a replica that is not ready names no sockets, as it is sent no clients', async () => {
  const proxy = await RedisProxy.start(server.url);
  const listener = redis.duplicate();
  let counts: unknown[] = [];
  const unready = await startRealtime(proxy.url);
  onTestFinished(async () => {
    await unready.stop();
    await proxy.stop();
    listener.disconnect();
  });
  listener.on('message', (_channel, text) => {
    const { serverId, type, data } = JSON.parse(text);
    if (serverId === unready.serverId && type === 'server.heartbeat') counts.push(data.sockets);
  });
  await listener.subscribe(CLUSTER_CHANNEL);
  await expect.poll(() => counts).toContain(0);
  proxy.block('chat-realtime-relay');
  proxy.cut('chat-realtime-relay');
  await expect.poll(async () => (await fetch(`${unready.url}/readyz`)).status).toBe(503);
  counts = [];
  await expect.poll(() => counts.length).toBeGreaterThan(2);
  expect(new Set(counts)).toEqual(new Set([undefined]));
  proxy.heal('chat-realtime-relay');
  await expect.poll(() => counts).toContain(0);
});

it('a replica whose clients all come back to it stops asking them to go', async () => {
  const [full] = [await start(), await start()];
  let open: ChatSocket[] = [];
  let leaving = false;
  onTestFinished(async () => {
    leaving = true;
    await Promise.all(open.map((socket) => socket.close()));
  });
  const come = async () => {
    const socket = await ChatSocket.connect(full.socketUrl, { token: account.token });
    open.push(socket);
    void socket.closed.then(() => {
      open = open.filter((other) => other !== socket);
      if (!leaving) return come();
    });
  };
  await Promise.all(Array.from({ length: 30 }, come));
  const asked = () => full.metric('chat_rebalanced_total');
  await expect.poll(asked, { timeout: 30_000 }).toBeGreaterThan(0);
  // Nobody is asked for as long as several heartbeats take.
  const unchanged = { asked: 0, since: 0 };
  const quiet = async () => {
    const [now, beats] = [await asked(), await full.metric('chat_heartbeat_seconds_count')];
    if (now !== unchanged.asked) Object.assign(unchanged, { asked: now, since: beats });
    return beats - unchanged.since;
  };
  await expect.poll(quiet, { timeout: 60_000 }).toBeGreaterThan(5);
  await expect.poll(() => full.metric('chat_sockets')).toBe(30);
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
