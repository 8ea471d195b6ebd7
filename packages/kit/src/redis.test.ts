import { Writable } from 'node:stream';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../../test/harness/ports.ts';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { createLogger } from './logger.ts';
import { closeRedis, connectRedis, redisReady } from './redis.ts';
import { isRedisAway } from './redis-errors.ts';

const TIMEOUT_MS = 1000;
const LONG = { timeout: 20_000, interval: 20 };
const servers: RunningRedis[] = [];
const clients: Redis[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(port?: number) {
  const server = await startRedis({ port });
  servers.push(server);
  return server;
}

function connect(url: string, { password }: { password?: string } = {}) {
  const lines: { level: number; msg: string; redis: string; err?: { message: string } }[] = [];
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const redis = connectRedis({ url, password, role: 'test', logger, timeoutMs: TIMEOUT_MS });
  clients.push(redis);
  return { redis, lines };
}

const failure = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: unknown) => error);

describe('connectRedis', () => {
  it('connects under a name that CLIENT LIST shows', async () => {
    const { url } = await start();
    const { redis, lines } = connect(url);
    await redisReady(redis);
    expect(await redis.client('GETNAME')).toBe('chat-test');
    expect(lines).toMatchObject([{ level: 30, msg: 'redis is connected', redis: url }]);
  });

  it('uses the password and the database of the URL, and logs no password', async () => {
    const { port } = await start();
    const admin = connect(`redis://127.0.0.1:${port}`).redis;
    await redisReady(admin);
    await admin.config('SET', 'requirepass', 's3cret');
    const { redis, lines } = connect(`redis://:s3cret@127.0.0.1:${port}/3`);
    await redisReady(redis);
    expect(await redis.client('INFO')).toContain(' db=3 ');
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });

  it('takes a password that stands beside the URL, unescaped, and logs it neither', async () => {
    const { port } = await start();
    const admin = connect(`redis://127.0.0.1:${port}`).redis;
    await redisReady(admin);
    const password = 'a/b?c#100%@:';
    await admin.config('SET', 'requirepass', password);
    const { redis, lines } = connect(`redis://127.0.0.1:${port}`, { password });
    await redisReady(redis);
    expect(await redis.ping()).toBe('PONG');
    expect(JSON.stringify(lines)).not.toContain(password);
  });

  it('starts without Redis, fails commands at once, and connects when Redis comes', async () => {
    const port = await freePort();
    const { redis, lines } = connect(`redis://127.0.0.1:${port}`);
    const error = await failure(redis.get('x'));
    expect(isRedisAway(error)).toBe(true);
    await vi.waitFor(() => expect(lines).toHaveLength(1), LONG);
    await start(port);
    await redisReady(redis);
    expect(await redis.ping()).toBe('PONG');
    expect(lines.map(({ msg }) => msg)).toEqual(['redis is away, trying again', 'redis is back']);
  });

  it('says once that Redis went away and once that it is back, whatever the number of attempts', async () => {
    const first = await start();
    const { redis, lines } = connect(first.url);
    let attempts = 0;
    redis.on('reconnecting', () => attempts++);
    await redisReady(redis);
    await servers.pop()!.stop();
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(3), LONG);
    expect(isRedisAway(await failure(redis.get('x')))).toBe(true);
    await start(first.port);
    await redisReady(redis);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'redis is connected',
      'redis is away, trying again',
      'redis is back',
    ]);
  });

  it('fails what is under way when the connection is lost, and does not send it again', async () => {
    const { url, pid } = await start();
    const { redis } = connect(url);
    const other = connect(url).redis;
    await Promise.all([redisReady(redis), redisReady(other)]);
    const id = await redis.client('ID');
    process.kill(pid!, 'SIGSTOP');
    const doomed = [failure(redis.incr('once')), failure(redis.multi().incr('once').exec())];
    redis.stream.destroy();
    process.kill(pid!, 'SIGCONT');
    for (const error of await Promise.all(doomed)) expect(isRedisAway(error)).toBe(true);
    await redisReady(redis);
    expect(await redis.client('ID')).not.toBe(id);
    expect(Number(await other.get('once'))).toBeLessThanOrEqual(2);
  });

  it('fails a command after the time when Redis answers nothing, and works on afterwards', async () => {
    const { url, pid } = await start();
    const { redis } = connect(url);
    await redisReady(redis);
    process.kill(pid!, 'SIGSTOP');
    const results = await Promise.all([failure(redis.get('x')), failure(redis.ping())]);
    process.kill(pid!, 'SIGCONT');
    for (const error of results) expect(isRedisAway(error)).toBe(true);
    await vi.waitFor(async () => expect(await redis.ping()).toBe('PONG'), LONG);
  });

  it('takes commands on a connection that is subscribed, and leaves it to the caller to subscribe again', async () => {
    const { url } = await start();
    const { redis } = connect(url);
    const publisher = connect(url).redis;
    const heard: string[] = [];
    redis.on('message', (_, text) => heard.push(text));
    redis.on('ready', () => void redis.subscribe('MESSAGES'));
    await Promise.all([redisReady(redis), redisReady(publisher)]);
    expect(await redis.ping()).toBe('PONG');
    await publisher.client('KILL', 'ID', await redis.client('ID'));
    await vi.waitFor(async () => {
      await publisher.publish('MESSAGES', 'again');
      expect(heard).toContain('again');
    }, LONG);
  });

  it('leaves no promise to nobody when Redis goes away as soon as it is back', async () => {
    const { url } = await start();
    const { redis } = connect(url);
    const admin = connect(url).redis;
    await Promise.all([redisReady(redis), redisReady(admin)]);
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    await redis.subscribe('MESSAGES');
    // A subscription that Redis refuses fails as one whose connection is lost does, at a moment that is known.
    await admin.call('ACL', 'SETUSER', 'default', '-subscribe');
    await admin.client('KILL', 'ID', await redis.client('ID'));
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
    expect(await redis.ping()).toBe('PONG');
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  it('ends quietly', async () => {
    const { url } = await start();
    const { redis, lines } = connect(url);
    await redisReady(redis);
    const last = redis.set('x', '1');
    await closeRedis(redis);
    expect(await last).toBe('OK');
    await vi.waitFor(() => expect(redis.status).toBe('end'), LONG);
    expect(lines).toHaveLength(1);
    await closeRedis(redis);
  });

  it('ends while Redis is away', async () => {
    const { redis } = connect(`redis://127.0.0.1:${await freePort()}`);
    await vi.waitFor(() => expect(redis.status).toBe('reconnecting'), LONG);
    await closeRedis(redis);
    expect(isRedisAway(await failure(redis.ping()))).toBe(true);
  });
});
