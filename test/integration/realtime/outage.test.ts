import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

let server: RunningRedis;
let redis: Redis;
let account: Account;
let replica: TestRealtime;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  redis.on('error', () => undefined);
  account = await createAccount(redis);
});
afterEach(async () => {
  process.kill(server.pid!, 'SIGCONT');
  await replica.stop();
  redis.disconnect();
  await server.stop();
});

const start = async (env: Record<string, string> = {}) => {
  replica = await startRealtime(server.url, { REDIS_TIMEOUT_MS: '1500', LIMITS: 'off', ...env });
  const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token });
  await socket.next('hello');
  return socket;
};
const ready = async () => (await fetch(`${replica.url}/readyz`)).status;

describe('while Redis does not answer', () => {
  it('sockets stay, sends wait and are stored once and in order when it is back', async () => {
    const socket = await start();
    await socket.say('0', 'before');
    process.kill(server.pid!, 'SIGSTOP');
    const sends = Array.from({ length: 50 }, (_, index) => socket.say('0', `${index}`));
    await socket.next('degraded');
    await expect.poll(ready, { timeout: 15_000 }).toBe(503);
    expect(await replica.metric('chat_append_queue_messages')).toBe(50);
    process.kill(server.pid!, 'SIGCONT');
    await socket.next('restored');
    await Promise.all(sends);
    const stored = (await redis.zrange('room:0', '0', '-1')).map((member) => JSON.parse(member));
    expect(stored.map(({ message }) => message)).toEqual([
      'before',
      ...Array.from({ length: 50 }, (_, i) => `${i}`),
    ]);
    await expect.poll(() => socket.messages('0')).toEqual(stored);
    await expect.poll(ready, { timeout: 15_000 }).toBe(200);
    await socket.close();
  });

  it('what does not fit into the queue is refused as busy, and what does is stored', async () => {
    const socket = await start({ QUEUE_MAX_MESSAGES: '10' });
    await socket.say('0', 'before');
    process.kill(server.pid!, 'SIGSTOP');
    const sends = Array.from({ length: 15 }, (_, index) => socket.say('0', `${index}`));
    const outcomes = Promise.allSettled(sends);
    expect(await socket.next('error')).toMatchObject({ code: 'busy', retryAfterMs: expect.any(Number) });
    process.kill(server.pid!, 'SIGCONT');
    expect((await outcomes).map(({ status }) => status)).toEqual([
      ...Array(10).fill('fulfilled'),
      ...Array(5).fill('rejected'),
    ]);
    expect(await redis.zcard('room:0')).toBe(11);
    await socket.close();
  });

  it('everyone is told, though nobody sends anything', async () => {
    const socket = await start();
    process.kill(server.pid!, 'SIGSTOP');
    await socket.next('degraded');
    process.kill(server.pid!, 'SIGCONT');
    await socket.next('restored');
    const told = socket.frames.filter(({ type }) => type === 'degraded' || type === 'restored');
    expect(told.map(({ type }) => type)).toEqual(['degraded', 'restored']);
    await socket.close();
  });

  it('new clients are told to come back later', async () => {
    const socket = await start();
    process.kill(server.pid!, 'SIGSTOP');
    const refused = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    expect((await refused.closed).code).toBe(1013);
    process.kill(server.pid!, 'SIGCONT');
    await socket.close();
  });
});

describe('a full Redis', () => {
  it('is told to the sender, who may try again, and the service goes on', async () => {
    const socket = await start();
    await socket.say('0', 'before');
    await redis.config('SET', 'maxmemory', '1');
    await expect(socket.say('0', 'x')).rejects.toThrow('unavailable');
    await redis.config('SET', 'maxmemory', '0');
    await socket.say('0', 'after');
    await socket.close();
  });
});

describe('a room that is no sorted set', () => {
  it('fails alone', async () => {
    const socket = await start();
    await redis.set('room:0', 'garbage');
    await expect(socket.say('0', 'x')).rejects.toThrow('internal');
    await redis.del('room:0');
    await socket.say('0', 'after');
    await socket.close();
  });
});

describe('while Redis refuses writes alone', () => {
  it('a client that comes is told that sends wait, and its own is stored afterwards', async () => {
    const first = await start();
    await redis.config('SET', 'min-replicas-to-write', '1');
    const waiting = [first.say('0', 'from the first')];
    await first.next('degraded');
    const second = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    await second.next('hello');
    await second.next('degraded');
    waiting.push(second.say('0', 'from the second'));
    await redis.config('SET', 'min-replicas-to-write', '0');
    await Promise.all(waiting);
    await second.next('restored');
    await Promise.all([first.close(), second.close()]);
  });
});
