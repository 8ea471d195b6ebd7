import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { keys } from './keys.ts';
import { Users } from './users.ts';

// Of its own: these tests play with the ids that other test files would get.
let server: RunningRedis;
let redis: Redis;
let users: Users;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  users = new Users(redis);
});
afterEach(() => redis.flushall());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const uniqueName = () => `ann-${randomUUID()}`;
const create = (name: string) => users.create(name, '$2b$hash');

describe('Users', () => {
  it('writes a user as the tutorial does, with General among the rooms', async () => {
    const name = uniqueName();
    const user = (await create(name))!;
    expect(user).toEqual({ id: expect.any(Number), username: name });
    expect(await redis.get(`username:${name}`)).toBe(`user:${user.id}`);
    expect(await redis.hgetall(`user:${user.id}`)).toEqual({ username: name, password: '$2b$hash' });
    expect(await redis.smembers(`user:${user.id}:rooms`)).toEqual(['0']);
    expect(Number(await redis.get('total_users'))).toBeGreaterThanOrEqual(user.id);
  });

  it('finds a user by id and by name, and the hash', async () => {
    const name = uniqueName();
    const user = (await create(name))!;
    expect(await users.find(user.id)).toEqual(user);
    expect(await users.findByName(name)).toEqual(user);
    expect(await users.passwordHash(user.id)).toBe('$2b$hash');
  });

  it('finds nobody where there is nobody', async () => {
    expect(await users.find(999_999_999)).toBeUndefined();
    expect(await users.findByName(uniqueName())).toBeUndefined();
    expect(await users.passwordHash(999_999_999)).toBeUndefined();
  });

  it('compares names exactly', async () => {
    const name = uniqueName();
    await create(name);
    expect(await users.findByName(name.toUpperCase())).toBeUndefined();
  });

  it('refuses a name that is taken without using up an id', async () => {
    const name = uniqueName();
    const first = await create(name);
    expect(await create(name)).toBeUndefined();
    expect(await users.findByName(name)).toEqual(first);
    expect(await redis.get(keys.totalUsers)).toBe('1');
    expect(await users.passwordHash(first!.id)).toBe('$2b$hash');
  });

  it('gives a name to one of many at the same time, and nobody sees half a user', async () => {
    const name = uniqueName();
    const watched = Promise.all(
      Array.from({ length: 50 }, async () => {
        const user = await users.findByName(name);
        if (user) expect(await users.passwordHash(user.id)).toBe('$2b$hash');
      }),
    );
    const made = await Promise.all(Array.from({ length: 20 }, () => create(name)));
    await watched;
    expect(made.filter(Boolean)).toHaveLength(1);
  });

  it('steps over ids that belong to somebody although the counter was lost', async () => {
    await redis.hset('user:1', 'username', 'Zoe');
    await redis.hset('user:2', 'username', 'Max');
    expect((await create(uniqueName()))!.id).toBe(3);
    expect(await redis.hget('user:1', 'username')).toBe('Zoe');
  });

  it('gives a new user none of the rooms that the id had before', async () => {
    await redis.sadd('user:1:rooms', '7');
    await create(uniqueName());
    expect(await redis.smembers('user:1:rooms')).toEqual(['0']);
  });

  it('reads the names of many users in one go and leaves out who does not exist', async () => {
    const made = [await create(uniqueName()), await create(uniqueName())] as {
      id: number;
      username: string;
    }[];
    const names = await users.names([made[1]!.id, 999_999_999, made[0]!.id]);
    expect(names).toEqual(new Map(made.map(({ id, username }) => [id, username])));
    expect(await users.names([])).toEqual(new Map());
  });

  it('reads what other servers wrote: a bare id under the name', async () => {
    const name = uniqueName();
    await redis.set(keys.username(name), '123456789');
    expect(await users.findByName(name)).toEqual({ id: 123_456_789, username: name });
    await redis.set(keys.username(name), 'user:garbage');
    expect(await users.findByName(name)).toBeUndefined();
  });
});

describe('changePasswordHash', () => {
  const userWith = async (hash: string) => (await users.create(uniqueName(), hash))!.id;

  it('replaces the hash that was checked, and no other', async () => {
    const id = await userWith('old');
    expect(await users.changePasswordHash(id, 'other', 'new')).toBe(false);
    expect(await users.passwordHash(id)).toBe('old');
    expect(await users.changePasswordHash(id, 'old', 'new')).toBe(true);
    expect(await users.passwordHash(id)).toBe('new');
  });

  it('lets one of several at the same time through', async () => {
    const id = await userWith('old');
    const results = await Promise.all(['a', 'b', 'c'].map((to) => users.changePasswordHash(id, 'old', to)));
    expect(results.filter(Boolean)).toHaveLength(1);
  });

  it('makes no user', async () => {
    expect(await users.changePasswordHash(999_999_999_999, 'old', 'new')).toBe(false);
    expect(await users.find(999_999_999_999)).toBeUndefined();
  });
});
