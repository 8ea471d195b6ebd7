import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { keys } from './keys.ts';
import { OnlineUsers } from './online.ts';

let server: RunningRedis;
let redis: Redis;
let online: OnlineUsers;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  online = new OnlineUsers(redis);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());

test('says which of some users are online', async () => {
  await redis.sadd(keys.onlineUsers, 1, 3);
  expect(await online.among([1, 2, 3])).toEqual(new Set([1, 3]));
  expect(await online.among([])).toEqual(new Set());
});

test('lists those online in order, without what a foreign server garbled', async () => {
  await redis.sadd(keys.onlineUsers, 10, 2, 'undefined', '', '-1');
  expect(await online.some(100)).toEqual({ ids: [2, 10], total: 5 });
});

test('lists no more than asked for, and tells how many there are', async () => {
  await redis.sadd(keys.onlineUsers, 1, 2, 3, 4, 5);
  const { ids, total } = await online.some(3);
  expect(new Set(ids).size).toBe(3);
  expect(total).toBe(5);
});
