import { privateMembers, readMessage } from '@chat/protocol';
import bcrypt from 'bcrypt';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { DEMO_NAMES, DEMO_PASSWORD, seedDemoData } from './demo.ts';
import { Rooms } from './rooms.ts';
import { Users } from './users.ts';

let server: RunningRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterEach(() => redis.flushall());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function messages(roomId: string) {
  const reply = await redis.zrange(`room:${roomId}`, 0, '-1', 'WITHSCORES');
  return Array.from({ length: reply.length / 2 }, (_, i) => ({
    member: reply[2 * i]!,
    score: Number(reply[2 * i + 1]),
  }));
}

describe('seedDemoData', () => {
  it('makes the four users of the tutorial, all with password123', async () => {
    expect(await seedDemoData(redis)).toBe(true);
    expect(await redis.get('total_users')).toBe('4');
    const users = new Users(redis);
    for (const [index, username] of DEMO_NAMES.entries()) {
      const id = index + 1;
      expect(await users.findByName(username)).toEqual({ id, username });
      expect(await users.find(id)).toEqual({ id, username });
      expect(await bcrypt.compare(DEMO_PASSWORD, (await users.passwordHash(id))!)).toBe(true);
    }
    expect(DEMO_PASSWORD).toBe('password123');
  });

  it('gives every two of them a private room, with a greeting of each', async () => {
    await seedDemoData(redis);
    const rooms = new Rooms(redis);
    for (const id of [1, 2, 3, 4]) {
      const own = await rooms.roomsOf(id);
      expect(own).toHaveLength(4);
      expect(own[0]).toBe('0');
      for (const roomId of own.slice(1)) {
        expect(privateMembers(roomId)).toContain(id);
        const senders = (await messages(roomId)).map(({ member }) => JSON.parse(member).from);
        expect(senders).toEqual(privateMembers(roomId));
      }
    }
  });

  it('names General and puts a line of everyone into it', async () => {
    await seedDemoData(redis);
    expect(await redis.get('room:0:name')).toBe('General');
    const senders = (await messages('0')).map(({ member }) => JSON.parse(member).from);
    expect(new Set(senders)).toEqual(new Set([1, 2, 3, 4]));
  });

  it('writes messages as the append script does: linked, dated in the recent past', async () => {
    await seedDemoData(redis);
    const [seconds] = await redis.time();
    for (const roomId of ['0', '1:2', '3:4']) {
      let prev = 0;
      for (const { member, score } of await messages(roomId)) {
        expect(member).toMatch(
          /^\{"from":\d,"date":\d+\.\d{6},"message":"[^"]+","roomId":"[\d:]+","prev":[\d.]+\}$/,
        );
        const message = readMessage(JSON.parse(member))!;
        expect(message).toMatchObject({ date: score, prev, roomId });
        expect(score).toBeLessThan(Number(seconds));
        expect(score).toBeGreaterThan(Number(seconds) - 3600);
        prev = score;
      }
      expect(prev).toBeGreaterThan(0);
    }
  });

  it('is written once by many that start together, and not again', async () => {
    const connections = Array.from({ length: 8 }, () => new Redis(server.url));
    const wrote = await Promise.all(connections.map((connection) => seedDemoData(connection)));
    expect(wrote.filter(Boolean)).toHaveLength(1);
    const size = await redis.dbsize();
    expect(size).toBe(1 + 3 * 4 + 2 + 6);
    expect(await messages('0')).toHaveLength(5);
    expect(await seedDemoData(redis)).toBe(false);
    for (const connection of connections) connection.disconnect();
  });

  it.each([
    ['users', 'total_users'],
    ['a user although the counter is lost', 'user:1'],
    ['a message in General', 'room:0'],
  ])('leaves a Redis alone that has %s', async (_, key) => {
    if (key === 'total_users') await redis.incr(key);
    else if (key === 'user:1') await redis.hset(key, 'username', 'Zoe');
    else await redis.zadd(key, 1, '{"from":1}');
    expect(await seedDemoData(redis)).toBe(false);
    expect(await redis.keys('*')).toEqual([key]);
  });
});
