import { createMetrics } from '@chat/kit';
import { Appender, draft, keys, type Reading, Rooms, Timeline, Users } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { Fanout } from './fanout.ts';
import { frameText, messageFrame } from './frames-out.ts';
import { RealtimeMetrics } from './metrics.ts';
import { RedisClock } from './redis-clock.ts';
import type { Room } from './room.ts';
import { RoomRegistry } from './room-registry.ts';
import { UsernameCache } from './username-cache.ts';

const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'registry-test' }));

/** Hands over what Redis answered when the test says so. */
class SlowTimeline extends Timeline {
  override async read(...question: Parameters<Timeline['read']>): Promise<Reading[]> {
    const readings = await super.read(...question);
    await new Promise<void>((resolve) => arriving.push(resolve));
    return readings;
  }
}

/** A user that nobody else is. */
const CREATOR = 10 ** 12 + process.pid;

let redis: Redis;
let id: string;
/** Readings of the room that Redis has answered, and that wait for the test to let them arrive. */
let arriving: (() => void)[];
let lost: [number, number][];
let published: string[];
let registry: RoomRegistry;
let room: Room;
let seed: number;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(async () => {
  await redis.quit();
});
beforeEach(async () => {
  arriving = [];
  lost = [];
  published = [];
  id = (await new Rooms(redis).createNamed('registry', CREATOR)).id;
  seed = await append('seed');
  const fanout = new Fanout([], metrics);
  const receive = (frame: string) => published.push(frameText(frame));
  fanout.listen(`r/${id}`, { receive, failed: (error) => expect.fail(String(error)) });
  registry = new RoomRegistry({
    rooms: new Rooms(redis),
    timeline: new SlowTimeline(redis),
    usernames: new UsernameCache(new Users(redis)),
    metrics,
    roomOptions: {
      fanout,
      metrics,
      clock: new RedisClock(),
      windowMs: 0,
      onLost: (_, from, to) => lost.push([from, to]),
    },
    onRepairFailed: (error) => {
      throw error;
    },
  });
  [room] = (await registry.open([id])) as [Room];
});
afterEach(async () => {
  room.close();
  await redis.del(keys.room(id), keys.roomName(id), keys.userRooms(CREATOR));
});

const asked = (count: number) => expect.poll(() => arriving.length).toBe(count);

/** Stores a message that this replica does not hear of. */
async function append(text: string): Promise<number> {
  const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
  const [appended] = await appender.append(id, [draft(CREATOR, id, text, undefined, false)]);
  return Number(appended!.date);
}

it('reads a room again that was to be read while it was', async () => {
  await append('one');
  const repairs = [registry.repairAll()];
  await asked(1);
  await append('two');
  repairs.push(registry.repairAll());
  room.expect(await append('three'));
  arriving.shift()!();
  await asked(1);
  arriving.shift()!();
  await expect.poll(() => published.length).toBe(3);
  await Promise.all(repairs);
});

it('notes once that Redis lost the end of a room, though two readings were asked for', async () => {
  const end = await append('lost');
  room.offer({ date: end, prev: seed, frame: messageFrame('{}') });
  await redis.zremrangebyscore(keys.room(id), end, end);
  const readings = [registry.repairAll(), registry.repairAll()];
  await asked(1);
  arriving.shift()!();
  await asked(1);
  arriving.shift()!();
  await Promise.all(readings);
  expect(lost).toEqual([[seed, end]]);
  expect(room.last).toBe(seed);
});

it('leaves a room alone that went on while it was read', async () => {
  const reading = registry.repairAll();
  await asked(1);
  const date = await append('meanwhile');
  room.offer({ date, prev: seed, frame: messageFrame('{}') });
  arriving.shift()!();
  await reading;
  expect(lost).toEqual([]);
  expect(room.last).toBe(date);
});

it('tells a gap for what is too much, to those who are parked too', async () => {
  const place = room.parkPeer();
  for (let n = 0; n < 501; n++) await append(`${n}`);
  const end = await append('last');
  const reading = registry.repairAll();
  await asked(1);
  arriving.shift()!();
  await reading;
  const gap = { type: 'gap', data: { roomId: id, from: seed, to: end } };
  expect(published.map((frame) => JSON.parse(frame))).toEqual([gap]);
  expect(room.keptAfter(place).map(({ frame }) => JSON.parse(frameText(frame)))).toEqual([gap]);
  expect(room.flushed).toBe(end);
  room.unparkPeer(place);
});
