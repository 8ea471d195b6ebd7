import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { LoginLimits } from './login-limits.ts';

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.quit());

const limits = (options: Partial<ConstructorParameters<typeof LoginLimits>[1]> = {}) =>
  new LoginLimits(redis, { perName: 3, perAddress: 6, windowSeconds: 60, enabled: true, ...options });

describe('LoginLimits', () => {
  it('count over all processes, per name', async () => {
    const [a, b] = [limits(), limits()];
    const name = randomUUID();
    for (const limiter of [a, b, a]) expect(await limiter.attempt(randomUUID(), name)).toBe(0);
    const wait = await b.attempt(randomUUID(), name);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
  });

  it('count per address, whatever the names', async () => {
    const address = randomUUID();
    for (let attempt = 0; attempt < 6; attempt++)
      expect(await limits().attempt(address, randomUUID())).toBe(0);
    expect(await limits().attempt(address, randomUUID())).toBeGreaterThan(0);
    expect(await limits().attempt(address)).toBeGreaterThan(0);
  });

  it('forget the name and give the address its attempt back after a success', async () => {
    const [address, name] = [randomUUID(), randomUUID()];
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(await limits().attempt(address, name)).toBe(0);
      await limits().succeeded(address, name);
    }
    expect(await redis.exists(`login_attempts:name:${name}`)).toBe(0);
  });

  it('end with the window', async () => {
    const short = limits({ perName: 1, windowSeconds: 1 });
    const name = randomUUID();
    await short.attempt(randomUUID(), name);
    await vi.waitFor(async () => expect(await short.attempt(randomUUID(), name)).toBe(0), {
      timeout: 10_000,
      interval: 200,
    });
  });

  it('leave no counter without an end', async () => {
    const [address, name] = [randomUUID(), randomUUID()];
    await limits().attempt(address, name);
    expect(await redis.ttl(`login_attempts:name:${name}`)).toBeGreaterThan(0);
    expect(await redis.ttl(`login_attempts:address:${address}`)).toBeGreaterThan(0);
  });

  it('let everything through when they are off, without Redis', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
    away.on('error', () => undefined);
    const options = { perName: 1, perAddress: 1, windowSeconds: 60 };
    const off = new LoginLimits(away, { ...options, enabled: false });
    for (let attempt = 0; attempt < 5; attempt++) expect(await off.attempt('address', 'name')).toBe(0);
    const on = new LoginLimits(away, { ...options, enabled: true });
    await expect(on.attempt('address', 'name')).rejects.toThrow();
    away.disconnect();
  });
});
