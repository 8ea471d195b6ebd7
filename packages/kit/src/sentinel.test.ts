import { Writable } from 'node:stream';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  FAILOVER_SOON as LONG,
  type SentinelGroup,
  startSentinelGroup,
} from '../../../test/harness/sentinel.ts';
import { baseSchema, loadConfig } from './config.ts';
import { createLogger } from './logger.ts';
import { closeRedis, connectRedis, redisPlace, redisReady } from './redis.ts';
import { isRedisAway } from './redis-errors.ts';

vi.setConfig({ testTimeout: 240_000 });
const PASSWORD = 'sentinels-s3cret';
let group: SentinelGroup;
const clients: Redis[] = [];

beforeAll(async () => {
  group = await startSentinelGroup({ password: PASSWORD });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => group.stop());

function connect(env: Record<string, string> = {}) {
  const lines: { msg: string; redis: string }[] = [];
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const config = loadConfig(baseSchema, {
    // Not the address of any Redis.
    REDIS_URL: 'redis://127.0.0.1:1',
    REDIS_SENTINELS: group.addresses,
    REDIS_SENTINEL_PASSWORD: PASSWORD,
    REDIS_TIMEOUT_MS: '1000',
    ...env,
  });
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const redis = connectRedis({ ...redisPlace(config), role: 'test', logger });
  clients.push(redis);
  return { redis, lines };
}

const port = (redis: Redis) => redis.stream.remotePort;
const role = async (redis: Redis) => ((await redis.call('ROLE')) as [string])[0];

/** A write by the new master, tried until it is there. */
const writes = (redis: Redis, key: string) =>
  vi.waitFor(async () => expect(await redis.set(key, 'x')).toBe('OK'), LONG);

describe('connectRedis with sentinels', () => {
  it('connects to the master, whatever address the URL has, with its database', async () => {
    const { redis, lines } = connect({ REDIS_URL: 'redis://127.0.0.1:1/2' });
    await redisReady(redis);
    expect(await role(redis)).toBe('master');
    expect(await redis.client('INFO')).toContain(' db=2 ');
    expect(lines).toMatchObject([
      { msg: 'redis is connected', redis: `mymaster of sentinels ${group.addresses}` },
    ]);
    expect(JSON.stringify(lines)).not.toContain(PASSWORD);
  });

  it('says once that it is away when no sentinel answers or knows the name, fails at once, and can be ended', async () => {
    for (const [name, value] of [
      ['REDIS_SENTINELS', '127.0.0.1:1'],
      ['REDIS_SENTINEL_NAME', 'unknown'],
      ['REDIS_SENTINEL_PASSWORD', 'wrong'],
    ] as const) {
      const { redis, lines } = connect({ [name]: value });
      await vi.waitFor(() => expect(lines).toHaveLength(1), LONG);
      expect(lines[0]!.msg).toBe('redis is away, trying again');
      expect(isRedisAway(await redis.get('x').catch((error) => error))).toBe(true);
      await closeRedis(redis);
      await vi.waitFor(() => expect(redis.status).toBe('end'), LONG);
      expect(lines).toHaveLength(1);
    }
  });

  it('goes on after it is told to reconnect in the midst of connecting', async () => {
    const { redis } = connect();
    for (let attempt = 0; attempt < 20; attempt++) {
      redis.disconnect(true);
      await new Promise((resolve) => setTimeout(resolve, attempt));
    }
    await redisReady(redis);
    expect(await redis.ping()).toBe('PONG');
  });

  it('follows a failover that was asked for, and is there for its subscriber to subscribe again', async () => {
    const { redis, lines } = connect();
    const { redis: subscriber } = connect();
    const heard: string[] = [];
    subscriber.on('message', (_, text) => heard.push(text));
    subscriber.on('ready', () => void subscriber.subscribe('channel'));
    await Promise.all([redisReady(redis), redisReady(subscriber)]);
    const before = await group.masterPort();
    await group.failOver();
    const after = await group.failedOver(before);
    await vi.waitFor(() => expect([port(redis), port(subscriber)]).toEqual([after, after]), LONG);
    await writes(redis, 'after');
    expect(await role(redis)).toBe('master');
    await vi.waitFor(async () => {
      await redis.publish('channel', 'again');
      expect(heard).toContain('again');
    }, LONG);
    expect(lines.map(({ msg }) => msg).slice(0, 3)).toEqual([
      'redis is connected',
      'redis is away, trying again',
      'redis is back',
    ]);
  });

  it('leaves no promise to nobody when a sentinel does not let it listen', async () => {
    const { redis } = connect();
    await redisReady(redis);
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const [host, sentinelPort] = group.addresses.split(',')[0]!.split(':');
    const sentinel = new Redis({ host, port: Number(sentinelPort), password: PASSWORD });
    onTestFinished(() => sentinel.disconnect());
    const listeners = async () =>
      String(await sentinel.client('LIST', 'TYPE', 'PUBSUB'))
        .split('\n')
        .filter(Boolean);
    await vi.waitFor(async () => expect(await listeners()).not.toEqual([]), LONG);
    const refusals = async () => ((await sentinel.call('ACL', 'LOG')) as unknown[]).length;
    await sentinel.call('ACL', 'SETUSER', 'default', '-subscribe');
    onTestFinished(async () => {
      await sentinel.call('ACL', 'SETUSER', 'default', '+subscribe');
    });
    await sentinel.client('KILL', 'TYPE', 'PUBSUB');
    await vi.waitFor(async () => expect(await refusals()).toBeGreaterThan(0), LONG);
    await redis.ping();
    expect(unhandled).toEqual([]);
  });

  it('leaves a master that hangs for the new one', async () => {
    const before = await group.masterPort();
    const { redis } = connect();
    await redisReady(redis);
    expect(port(redis)).toBe(before);
    const hanging = group.servers.get(before)!;
    process.kill(hanging.pid!, 'SIGSTOP');
    try {
      const after = await group.failedOver(before);
      await writes(redis, 'instead');
      expect(port(redis)).toBe(after);
    } finally {
      process.kill(hanging.pid!, 'SIGCONT');
    }
    // It takes itself for the master until a sentinel tells it: nobody is to be led there.
    const { redis: late } = connect();
    await redisReady(late);
    await vi.waitFor(async () => expect(await role(late)).toBe('master'), LONG);
    expect(await late.get('instead')).toBe('x');
  });
});
