import { createHash, randomInt, randomUUID } from 'node:crypto';
import { CLUSTER_CHANNEL, parseEnvelope } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { keys } from './keys.ts';
import { hashToken, Sessions } from './sessions.ts';

const DAY = 86_400;
const user = { id: 7, username: 'Ann 🎉' };
const serverId = `test-${randomUUID()}`;
// Of its own: these tests make sessions of ids that other test files would get for their users.
let server: RunningRedis;
let redis: Redis;
let sessions: Sessions;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  sessions = new Sessions(redis, { ttlSeconds: 30 * DAY, serverId });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

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

  it('finds those that are asked for together, each by itself, beside a key that is no session', async () => {
    const other = { id: 8, username: 'Bob' };
    const [ann, bob] = await Promise.all([sessions.create(user), sessions.create(other)]);
    const garbage = keys.session(hashToken('garbage'));
    await redis.set(garbage, 'a string', 'EX', 60);
    const tokens = [ann.token, 'garbage', 'forged', bob.token, ann.token];
    const found = await Promise.all(tokens.map((token) => sessions.find(token)));
    expect(found.map((session) => session?.user)).toEqual([user, undefined, undefined, other, user]);
    await redis.del(garbage);
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

  it('lets its user in also when it cannot be renewed, as Redis is full', async () => {
    const ann = { id: 9, username: 'Ann' };
    const { token, hash } = await sessions.create(ann);
    await redis.expire(keys.session(hash), 29 * DAY - 60);
    // A key of another type fails as a full Redis does, and for this user alone.
    await redis.set(keys.userSessions(ann.id), 'a string', 'EX', 60);
    expect(await sessions.find(token)).toEqual({ hash, user: ann });
    await redis.expire(keys.session(hash), 29 * DAY - 60);
    expect(await sessions.use([hash, hashToken('forged')])).toEqual([true, false]);
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
    await Promise.all([sessions.find(token), sessions.revoke({ hash, user }), sessions.find(token)]);
    expect(await sessions.find(token)).toBeUndefined();
    expect(await redis.exists(keys.session(hash))).toBe(0);
  });

  it('revokes a session and tells every server', async () => {
    const subscriber = new Redis(server.url);
    const heard: unknown[] = [];
    try {
      await subscriber.subscribe(CLUSTER_CHANNEL);
      subscriber.on('message', (_, text) => heard.push(parseEnvelope(text)));
      const { token, hash } = await sessions.create(user);
      expect(await sessions.revoke({ hash, user })).toMatchObject({ sessions: 1, closed: 0 });
      expect(await sessions.find(token)).toBeUndefined();
      const data = { session: hash, request: expect.any(String) };
      await vi.waitFor(() => expect(heard).toContainEqual({ serverId, type: 'session.revoked', data }), {
        timeout: 15_000,
      });
      expect(await sessions.revoke({ hash, user })).toMatchObject({ sessions: 0 });
    } finally {
      subscriber.disconnect();
    }
  });

  describe('of one user', () => {
    const someone = () => ({ id: randomInt(1e9, 1e12), username: 'x' });
    const left = async (made: { hash: string }[]) => sessions.use(made.map(({ hash }) => hash));

    it('are revoked together, but for the one that is to stay and those of others', async () => {
      const [user, other] = [someone(), someone()];
      const made = [await sessions.create(user), await sessions.create(user), await sessions.create(user)];
      made.push(await sessions.create(other));
      expect(await sessions.revokeAll(user.id, made[1]!.hash)).toMatchObject({ sessions: 2 });
      expect(await left(made)).toEqual([false, true, false, true]);
      expect(await sessions.revokeAll(user.id)).toMatchObject({ sessions: 1 });
      expect(await sessions.revokeAll(user.id)).toMatchObject({ sessions: 0 });
      expect(await left(made)).toEqual([false, false, false, true]);
      expect(await redis.exists(keys.userSessions(user.id))).toBe(0);
    });

    it('are revoked in chunks however many there are, before anybody is told', async () => {
      const user = someone();
      const count = 20_000;
      const hashes = Array.from({ length: count }, (_, n) => hashToken(`${user.id}-${n}`));
      for (let start = 0; start < count; start += 1000) {
        const writes = redis.pipeline();
        for (const hash of hashes.slice(start, start + 1000)) {
          writes.hset(keys.session(hash), 'userId', user.id).zadd(keys.userSessions(user.id), start, hash);
        }
        await writes.exec();
      }
      const subscriber = new Redis(server.url);
      const send = vi.spyOn(redis, 'sendCommand');
      try {
        await subscriber.subscribe(CLUSTER_CHANNEL);
        const left = new Promise((resolve) => {
          subscriber.on('message', () => resolve(redis.exists(hashes.map(keys.session))));
        });
        let most = 0;
        send.mockClear();
        const countTurn = setInterval(() => {
          most = Math.max(most, send.mock.calls.length);
          send.mockClear();
        }, 0);
        const revoked = await sessions.revokeAll(user.id, hashes[7]);
        clearInterval(countTurn);
        expect(revoked.sessions).toBe(count - 1);
        expect(most).toBeLessThan(2000);
        expect(await left).toBe(1);
        expect(await redis.zrange(keys.userSessions(user.id), '0', '-1')).toEqual([hashes[7]]);
      } finally {
        send.mockRestore();
        subscriber.disconnect();
      }
    });

    it('are as many as one may have: a login ends those that were not used for longest, and tells', async () => {
      const few = new Sessions(redis, { ttlSeconds: 30 * DAY, serverId, perUser: 3 });
      const user = someone();
      const made = [];
      for (let n = 0; n < 3; n++) {
        made.push(await few.create(user));
        await redis.zadd(keys.userSessions(user.id), Date.now() / 1000 + 29 * DAY + n, made[n]!.hash);
      }
      await redis.zadd(keys.userSessions(user.id), Date.now() / 1000 + 30 * DAY, made[0]!.hash);
      const subscriber = new Redis(server.url);
      try {
        await subscriber.subscribe(CLUSTER_CHANNEL);
        const heard = new Promise((resolve) => {
          subscriber.on('message', (_, text) => resolve(parseEnvelope(text)));
        });
        made.push(await few.create(user));
        expect(await left(made)).toEqual([true, false, true, true]);
        expect(await heard).toMatchObject({ type: 'session.revoked', data: { session: made[1]!.hash } });
      } finally {
        subscriber.disconnect();
      }
      expect(await redis.zcard(keys.userSessions(user.id))).toBe(3);
    });

    it('stay as many as one may have when many log in at once, and each gets in', async () => {
      const few = new Sessions(redis, { ttlSeconds: 30 * DAY, serverId, perUser: 20 });
      const user = someone();
      for (let round = 0; round < 3; round++) {
        const made = await Promise.all(Array.from({ length: 10 }, () => few.create(user)));
        expect(await left(made)).toEqual(made.map(() => true));
      }
      expect(await redis.zcard(keys.userSessions(user.id))).toBe(20);
    });

    it('are listed as long as they live, and no longer', async () => {
      const user = someone();
      const index = keys.userSessions(user.id);
      const [first, second] = [await sessions.create(user), await sessions.create(user)];
      await sessions.revoke({ hash: first.hash, user });
      expect(await redis.zrange(index, '0', '-1')).toEqual([second.hash]);
      expect(await redis.ttl(index)).toBeGreaterThan(await redis.ttl(keys.session(second.hash)));
      // As it looks for a session that nobody used for so long.
      await redis.zadd(index, Date.now() / 1000 - 2 * DAY, 'gone');
      await redis.expire(keys.session(second.hash), 10);
      await sessions.find(second.token);
      expect(await redis.zrange(index, '0', '-1')).toEqual([second.hash]);
      expect(Number(await redis.zscore(index, second.hash))).toBeGreaterThan(Date.now() / 1000 + 29 * DAY);
    });
  });

  it('says which of many sessions are left, in their order', async () => {
    const made = await Promise.all([1, 2, 3].map((id) => sessions.create({ id, username: 'x' })));
    await sessions.revoke({ hash: made[1]!.hash, user: { id: 2, username: 'x' } });
    expect(await sessions.use(made.map(({ hash }) => hash))).toEqual([true, false, true]);
    expect(await sessions.use([])).toEqual([]);
  });

  it('renews those in use that were not renewed for long', async () => {
    const made = await Promise.all([1, 2].map(() => sessions.create(user)));
    const [old, fresh] = made.map(({ hash }) => keys.session(hash)) as [string, string];
    await redis.expire(old, 10);
    const before = await redis.ttl(fresh);
    expect(await sessions.use(made.map(({ hash }) => hash))).toEqual([true, true]);
    expect(await redis.ttl(old)).toBeGreaterThan(29 * DAY);
    expect(await redis.ttl(fresh)).toBeLessThanOrEqual(before);
  });

  it('throws when Redis is away', async () => {
    const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
    away.on('error', () => undefined);
    const lost = new Sessions(away, { ttlSeconds: 100, serverId });
    await expect(lost.find('x')).rejects.toThrow();
    await expect(lost.create(user)).rejects.toThrow();
    await expect(lost.revoke({ hash: 'x', user })).rejects.toThrow();
    await expect(lost.revokeAll(7)).rejects.toThrow();
    await expect(lost.use(['x'])).rejects.toThrow();
    away.disconnect();
  });
});
