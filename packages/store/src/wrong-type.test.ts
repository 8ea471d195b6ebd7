import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { Appender, draft } from './append.ts';
import { keys } from './keys.ts';
import { OnlineUsers } from './online.ts';
import { Pages } from './pages.ts';
import { Presence } from './presence.ts';
import { Rooms } from './rooms.ts';
import { Sessions } from './sessions.ts';
import { Timeline } from './timeline.ts';
import { Users } from './users.ts';

let server: RunningRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

/** Ann (1) is sound, Bob (2) is the user whose keys a foreign server spoils; both are in the rooms "7" and "1:2". */
beforeEach(async () => {
  await redis.flushall();
  const users = new Users(redis);
  const rooms = new Rooms(redis);
  await users.create('ann', 'hash of ann');
  await users.create('bob', 'hash of bob');
  await redis.set(keys.roomName('7'), 'Tea');
  for (const id of [1, 2]) await rooms.join(id, '7');
  await rooms.createPrivate(1, 2);
  await redis.sadd(keys.onlineUsers, 1, 2);
  await redis.sadd(keys.serverUsers('dead'), 1, 2);
});

const SPOILT = [
  keys.username('bob'),
  keys.user(2),
  keys.userRooms(2),
  keys.room('0'),
  keys.room('7'),
  keys.room('1:2'),
  keys.roomName('0'),
  keys.roomName('7'),
  keys.onlineUsers,
  keys.serverUsers('dead'),
  keys.userConnections(2),
  keys.servers,
];
const TYPES: Record<string, (key: string) => Promise<unknown>> = {
  string: (key) => redis.set(key, 'garbage'),
  list: (key) => redis.rpush(key, 'garbage'),
  hash: (key) => redis.hset(key, 'garbage', 'garbage'),
  set: (key) => redis.sadd(key, 'garbage'),
  zset: (key) => redis.zadd(key, 1, 'garbage'),
  stream: (key) => redis.xadd(key, '*', 'garbage', 'garbage'),
};
const cases = SPOILT.flatMap((key) => Object.keys(TYPES).map((type) => [key, type] as const));

/** What services do with keys that may be Bob's, for others and for Bob. */
const READS: Record<string, () => Promise<unknown>> = {
  'names of both': () => new Users(redis).names([1, 2]),
  'Bob by id': () => new Users(redis).find(2),
  'Bob by name': () => new Users(redis).findByName('bob'),
  'a new user of the name': () => new Users(redis).create('bob', 'another hash'),
  'the password': () => new Users(redis).passwordHash(2),
  'a new password': () => new Users(redis).changePasswordHash(2, 'other', 'new'),
  'the names of rooms': () => new Rooms(redis).names(['0', '7']),
  'what rooms are called': () => {
    const users = new Users(redis);
    return new Rooms(redis).info(['0', '7', '1:2'], (ids) => users.names(ids));
  },
  'the rooms of Bob': () => new Rooms(redis).roomsOf(2),
  'access to rooms': () => {
    const rooms = new Rooms(redis);
    return Promise.all(['0', '7', '1:2'].flatMap((id) => [rooms.access(1, id), rooms.access(2, id)]));
  },
  'a private room of both': () => new Rooms(redis).createPrivate(1, 2),
  'Ann joins': () => new Rooms(redis).join(1, '7'),
  'Ann leaves': () => new Rooms(redis).leave(1, '7'),
  'a new room': () => new Rooms(redis).createNamed('Lunch', 1),
  'who is online': () => new OnlineUsers(redis).some(10),
  'who of both is online': () => new OnlineUsers(redis).among([1, 2]),
  'the users of a dead server': () => new Presence(redis, 'living').usersOf('dead'),
  'a place for a socket of Bob': () => new Presence(redis, 'living').claim(2, 1, 64),
  'Bob comes': () => new Presence(redis, 'living').set({ id: 2, username: 'bob' }, 1),
  'Bob comes to a foreign server': () => new Presence(redis, 'living').cameElsewhere('4132', 2),
  'Bob leaves': () => new Presence(redis, 'dead').set({ id: 2, username: 'bob' }, 0),
  'a lease': () => new Presence(redis, 'living').renewLease(6, 5),
  'where rooms are': () => new Timeline(redis).open(['0', '7', '1:2']),
  'what came to rooms': () => {
    const places = ['0', '7', '1:2'].map((id) => ({ id, dates: [0], overlap: 1 }));
    return new Timeline(redis).read(places, { members: 10, bytes: 10_000 });
  },
  pages: async () => {
    const pages = new Pages(redis);
    for (const id of ['0', '7', '1:2'])
      await Promise.all([pages.newest(id, 0, 10), pages.before(id, 1e10, 10), pages.after(id, 0, 10)]);
  },
  'a session of Bob': async () => {
    const sessions = new Sessions(redis, { ttlSeconds: 100, serverId: 'test', perUser: 3 });
    const { token } = await sessions.create({ id: 2, username: 'bob' });
    await sessions.find(token);
    await sessions.revokeAll(2);
  },
  'a message into another room': () =>
    new Appender(redis, { serverId: 'test', keep: 10 }).append('8', [draft(1, '8', 'x', 'c', true)]),
};

describe('a key that a foreign server gave another type', () => {
  it.each(cases)('is a missing one for every reader: %s as a %s', async (key, type) => {
    await redis.del(key);
    await TYPES[type]!(key);
    for (const [name, read] of Object.entries(READS)) {
      const failure = await read().then(
        () => undefined,
        (error: Error) => error.message,
      );
      expect({ name, failure }).toEqual({ name, failure: undefined });
    }
  });

  it('leaves other users and their rooms as they are', async () => {
    await redis.del(keys.user(2), keys.userRooms(2));
    await redis.rpush(keys.user(2), 'garbage');
    await redis.rpush(keys.userRooms(2), 'garbage');
    const users = new Users(redis);
    const rooms = new Rooms(redis);
    expect(await users.names([2, 1])).toEqual(new Map([[1, 'ann']]));
    expect(await users.find(2)).toBeUndefined();
    expect(await rooms.info(['1:2'], (ids) => users.names(ids))).toEqual([
      { id: '1:2', names: ['ann', 'User 2'] },
    ]);
    expect(await rooms.createPrivate(1, 2)).toBeUndefined();
    expect(await rooms.roomsOf(1)).toEqual(['0', '7', '1:2']);
    expect(await rooms.roomsOf(2)).toEqual([]);
  });
});
