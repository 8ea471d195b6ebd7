import { createHash, randomUUID } from 'node:crypto';
import { CHANNEL, parseEnvelope } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { keys } from './keys.ts';
import { hashToken, Sessions } from './sessions.ts';

const DAY = 86_400;
const user = { id: 7, username: 'Ann 🎉' };
const serverId = `test-${randomUUID()}`;
let redis: Redis;
let sessions: Sessions;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  sessions = new Sessions(redis, { ttlSeconds: 30 * DAY, serverId });
});
afterAll(() => redis.quit());

describe('hashToken', () => {
  it('is SHA-256 in hex', () => {
    expect(hashToken('token')).toBe(createHash('sha256').update('token').digest('hex'));
  });
});

describe('Sessions', () => {
  it('gives a token of 256 bits and stores only its hash, with an end', async () => {
    const { token, hash } = await sessions.create(user);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(hash).toBe(hashToken(token));
    const stored = await redis.hgetall(keys.session(hash));
    expect(stored).toEqual({
      userId: '7',
      username: user.username,
      createdAt: expect.stringMatching(/^\d+$/),
    });
    expect(Math.abs(Number(stored.createdAt) - Date.now() / 1000)).toBeLessThan(60);
    expect(await redis.ttl(keys.session(hash))).toBeGreaterThan(30 * DAY - 60);
  });

  it('finds the user of a token, and nobody for a forged one', async () => {
    const { token, hash } = await sessions.create(user);
    expect(await sessions.find(token)).toEqual({ hash, user });
    expect(await sessions.find(`${token}x`)).toBeUndefined();
    expect(await sessions.find(hash)).toBeUndefined();
    expect(await sessions.find('')).toBeUndefined();
  });

  it('lives on while it is used, but writes at most once a day', async () => {
    const { token, hash } = await sessions.create(user);
    const key = keys.session(hash);
    await redis.expire(key, 29 * DAY + 60);
    await sessions.find(token);
    expect(await redis.ttl(key)).toBeLessThanOrEqual(29 * DAY + 60);
    await redis.expire(key, 29 * DAY - 60);
    await sessions.find(token);
    expect(await redis.ttl(key)).toBeGreaterThan(30 * DAY - 60);
  });

  it('lives on as well when its whole life is shorter than a day', async () => {
    const short = new Sessions(redis, { ttlSeconds: 1000, serverId });
    const { token, hash } = await short.create(user);
    await redis.expire(keys.session(hash), 700);
    await short.find(token);
    expect(await redis.ttl(keys.session(hash))).toBeGreaterThan(900);
  });

  it('does not bring a session back that ends while it is looked at', async () => {
    const { token, hash } = await sessions.create(user);
    await redis.expire(keys.session(hash), 10);
    await Promise.all([sessions.find(token), sessions.revoke(hash), sessions.find(token)]);
    expect(await sessions.find(token)).toBeUndefined();
    expect(await redis.exists(keys.session(hash))).toBe(0);
  });

  it('revokes a session and tells every server', async () => {
    const subscriber = new Redis(inject('redisUrl'));
    const heard: unknown[] = [];
    try {
      await subscriber.subscribe(CHANNEL);
      subscriber.on('message', (_, text) => heard.push(parseEnvelope(text)));
      const { token, hash } = await sessions.create(user);
      await sessions.revoke(hash);
      expect(await sessions.find(token)).toBeUndefined();
      await vi.waitFor(() =>
        expect(heard).toContainEqual({ serverId, type: 'session.revoked', data: { session: hash } }),
      );
    } finally {
      subscriber.disconnect();
    }
  });

  it('says which of many sessions are left, in their order', async () => {
    const made = await Promise.all([1, 2, 3].map((id) => sessions.create({ id, username: 'x' })));
    await sessions.revoke(made[1]!.hash);
    expect(await sessions.exists(made.map(({ hash }) => hash))).toEqual([true, false, true]);
    expect(await sessions.exists([])).toEqual([]);
  });

  it('throws when Redis is away', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
    away.on('error', () => undefined);
    const lost = new Sessions(away, { ttlSeconds: 100, serverId });
    await expect(lost.find('x')).rejects.toThrow();
    await expect(lost.create(user)).rejects.toThrow();
    await expect(lost.revoke('x')).rejects.toThrow();
    await expect(lost.exists(['x'])).rejects.toThrow();
    away.disconnect();
  });
});
