import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { keys } from './keys.ts';
import { Rooms } from './rooms.ts';

let server: RunningRedis;
let redis: Redis;
let rooms: Rooms;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  rooms = new Rooms(redis);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  for (const id of [1, 2, 3]) await redis.hset(keys.user(id), 'username', `user ${id}`);
});

const usernames = async (ids: number[]) =>
  new Map(ids.filter((id) => id <= 3).map((id) => [id, `user ${id}`] as const));

describe('private rooms', () => {
  test('both users get the room, whoever is named first', async () => {
    expect(await rooms.createPrivate(2, 1)).toEqual({ id: '1:2', created: true });
    expect(await rooms.roomsOf(1)).toEqual(['1:2']);
    expect(await rooms.roomsOf(2)).toEqual(['1:2']);
  });

  test('creating one again changes nothing, and completes one that a user lacks', async () => {
    await rooms.createPrivate(1, 2);
    expect(await rooms.createPrivate(1, 2)).toEqual({ id: '1:2', created: false });
    await redis.del(keys.userRooms(2));
    expect(await rooms.createPrivate(1, 2)).toEqual({ id: '1:2', created: true });
    expect(await rooms.roomsOf(2)).toEqual(['1:2']);
  });

  test('a user who does not exist gets none, and neither does the other', async () => {
    expect(await rooms.createPrivate(1, 99)).toBeUndefined();
    expect(await redis.exists(keys.userRooms(1), keys.userRooms(99))).toBe(0);
  });

  test('a user alone gets none', async () => {
    await expect(rooms.createPrivate(1, 1)).rejects.toThrow(RangeError);
  });

  test('others are refused, even when a foreign server lists the room as theirs', async () => {
    await rooms.createPrivate(1, 2);
    await redis.sadd(keys.userRooms(3), '1:2');
    expect(await rooms.access(3, '1:2')).toBe('forbidden');
    expect(await rooms.access(3, '1:9')).toBe('forbidden');
    expect(await rooms.isMember(3, '1:2')).toBe(false);
    expect(await rooms.roomsOf(3)).toEqual([]);
  });

  test('one that nobody has is unknown, until a foreign server writes a message into it', async () => {
    expect(await rooms.access(1, '1:2')).toBe('unknown');
    await redis.zadd(keys.room('1:2'), 1615480369, '{}');
    expect(await rooms.access(1, '1:2')).toBe('member');
    expect(await rooms.isMember(2, '1:2')).toBe(true);
  });
});

test('access that is asked for together is each user’s own, beside a key that is no set', async () => {
  const room = await rooms.createNamed('Lunch', 1);
  await redis.set(keys.userRooms(3), 'a string');
  const asked = [1, 2, 3, 1].map((userId) => rooms.access(userId, room.id));
  expect(await Promise.all([...asked, rooms.access(1, '9')])).toEqual([
    'member',
    'forbidden',
    'forbidden',
    'member',
    'unknown',
  ]);
});

describe('named rooms', () => {
  test('the creator is in the new room, others join it', async () => {
    const room = await rooms.createNamed('Lunch', 1);
    expect(room).toEqual({ id: '1', name: 'Lunch' });
    expect(await rooms.access(1, '1')).toBe('member');
    expect(await rooms.access(2, '1')).toBe('forbidden');
    expect(await rooms.join(2, '1')).toBe('Lunch');
    expect(await rooms.join(2, '1')).toBe('Lunch');
    expect(await rooms.isMember(2, '1')).toBe(true);
  });

  test('rooms created at the same time get different ids', async () => {
    const created = await Promise.all([1, 2, 3, 4, 5].map((n) => rooms.createNamed(`Room ${n}`, 1)));
    expect(created.map(({ id }) => id).sort()).toEqual(['1', '2', '3', '4', '5']);
    for (const { id, name } of created) expect(await rooms.name(id)).toBe(name);
  });

  test('an id that a foreign server uses already is passed over', async () => {
    await redis.set(keys.roomName('1'), 'Theirs');
    await redis.zadd(keys.room('2'), 1, '{"message":"theirs too"}');
    expect(await rooms.createNamed('Ours', 1)).toEqual({ id: '3', name: 'Ours' });
    expect(await rooms.name('1')).toBe('Theirs');
  });

  test.each(['7', '1:2', '1:2:3', '../x', ''])('%j is not a room to join', async (id) => {
    expect(await rooms.join(1, id)).toBeUndefined();
    expect(await rooms.roomsOf(1)).toEqual([]);
  });

  test('a user leaves once; General and private rooms cannot be left', async () => {
    await rooms.createPrivate(1, 2);
    await rooms.join(1, '0');
    const { id } = await rooms.createNamed('Lunch', 1);
    expect(await rooms.leave(1, id)).toBe(true);
    expect(await rooms.leave(1, id)).toBe(false);
    expect(await rooms.leave(1, '0')).toBe(false);
    expect(await rooms.leave(1, '1:2')).toBe(false);
    expect(await rooms.roomsOf(1)).toEqual(['0', '1:2']);
  });

  test('General has a name before anyone gave it one', async () => {
    expect(await rooms.name('0')).toBe('General');
    await redis.set(keys.roomName('0'), 'Everyone');
    expect(await rooms.name('0')).toBe('Everyone');
    expect(await rooms.access(1, '0')).toBe('forbidden');
  });

  test.each(['7', '1:2:3', '../x', '01', ''])('%j is unknown', async (id) => {
    expect(await rooms.access(1, id)).toBe('unknown');
  });
});

describe('lists', () => {
  test('rooms are sorted, and ids that a foreign server garbled are left out', async () => {
    await redis.sadd(
      keys.userRooms(1),
      '1:10',
      '1:2',
      '10',
      '2',
      '0',
      '2:1',
      '1:2:3',
      'undefined',
      '2:3',
      '',
    );
    expect(await rooms.roomsOf(1)).toEqual(['0', '2', '10', '1:2', '1:10']);
  });

  test('a named room goes by its name, a private one by the names of its users', async () => {
    await redis.set(keys.roomName('0'), 'General');
    expect(await rooms.info(['2:3', '0', '1:2'], usernames)).toEqual([
      { id: '2:3', names: ['user 2', 'user 3'] },
      { id: '0', name: 'General' },
      { id: '1:2', names: ['user 1', 'user 2'] },
    ]);
  });

  test('what has no name is called by its id', async () => {
    expect(await rooms.info(['7', '1:99'], usernames)).toEqual([
      { id: '7', name: 'Room 7' },
      { id: '1:99', names: ['user 1', 'User 99'] },
    ]);
  });

  test('no rooms, no question', async () => {
    expect(await rooms.info([], () => Promise.reject(new Error('asked')))).toEqual([]);
  });
});
