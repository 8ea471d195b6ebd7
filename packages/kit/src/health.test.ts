import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { pingRedis, Readiness } from './health.ts';

describe('Readiness', () => {
  it('is ready when there is nothing to wait for', async () => {
    expect(await new Readiness().report()).toEqual({ ready: true, conditions: {} });
  });

  it('is ready when all conditions hold, and says which does not', async () => {
    const readiness = new Readiness();
    readiness.set('seeded', false);
    readiness.probe('redis', async () => true);
    expect(await readiness.report()).toEqual({ ready: false, conditions: { seeded: false, redis: true } });
    readiness.set('seeded', true);
    expect((await readiness.report()).ready).toBe(true);
  });

  it('takes a probe that throws for one that does not hold', async () => {
    const readiness = new Readiness();
    readiness.probe('sync', () => {
      throw new Error('x');
    });
    readiness.probe('async', () => Promise.reject(new Error('x')));
    expect((await readiness.report()).conditions).toEqual({ sync: false, async: false });
  });
});

describe('pingRedis', () => {
  it('holds while Redis answers', async () => {
    const redis = new Redis(inject('redisUrl'));
    expect(await pingRedis(redis, 10_000)).toBe(true);
    redis.disconnect();
  });

  it('does not hold when there is none, or no answer in time', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
    away.on('error', () => undefined);
    expect(await pingRedis(away, 10_000)).toBe(false);
    const silent = { ping: () => new Promise<never>(() => undefined) } as unknown as Redis;
    expect(await pingRedis(silent, 20)).toBe(false);
    away.disconnect();
  });
});
