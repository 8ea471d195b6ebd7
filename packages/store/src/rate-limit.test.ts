import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { keys } from './keys.ts';
import { RateLimit } from './rate-limit.ts';

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.quit());

const limit = (options: Partial<ConstructorParameters<typeof RateLimit>[1]> = {}) =>
  new RateLimit(redis, { name: 'test', points: 2, windowSeconds: 60, enabled: true, ...options });

describe('RateLimit', () => {
  it('counts over all processes, each one and each thing apart', async () => {
    const who = randomUUID();
    expect(await limit().take(who)).toBe(0);
    expect(await limit().take(who)).toBe(0);
    const wait = await limit().take(who);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await limit().take(randomUUID())).toBe(0);
    expect(await limit({ name: 'other' }).take(who)).toBe(0);
    expect(await redis.ttl(`${keys.rateLimits}:test:${who}`)).toBeGreaterThan(0);
  });

  it('starts anew with the next window', async () => {
    const short = limit({ points: 1, windowSeconds: 1 });
    const who = randomUUID();
    await short.take(who);
    await vi.waitFor(async () => expect(await short.take(who)).toBe(0), { timeout: 10_000, interval: 200 });
  });

  it('lets everything through when it is off', async () => {
    const off = limit({ points: 1, enabled: false });
    const who = randomUUID();
    for (let time = 0; time < 5; time++) expect(await off.take(who)).toBe(0);
    expect(await redis.exists(`${keys.rateLimits}:test:${who}`)).toBe(0);
  });
});
