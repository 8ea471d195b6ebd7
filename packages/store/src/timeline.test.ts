import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { Appender, draft } from './append.ts';
import { keys } from './keys.ts';
import { Rooms } from './rooms.ts';
import { Timeline } from './timeline.ts';

const CREATOR = 10 ** 12 + process.pid;
const LIMITS = { members: 500, bytes: 100_000 };

let redis: Redis;
let timeline: Timeline;
let id: string;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  timeline = new Timeline(redis);
});
afterAll(async () => {
  await redis.quit();
});
beforeEach(async () => {
  id = (await new Rooms(redis).createNamed('timeline', CREATOR)).id;
});
afterEach(async () => {
  await redis.del(keys.room(id), keys.roomName(id), keys.userRooms(CREATOR));
});

async function append(...texts: string[]): Promise<number[]> {
  const appender = new Appender(redis, { serverId: 'timeline-test', keep: 0 });
  const drafts = texts.map((text) => draft(CREATOR, id, text, undefined, false));
  return (await appender.append(id, drafts)).map(({ date }) => Number(date));
}

const store = (date: number, member: object | string) =>
  redis.zadd(keys.room(id), date, typeof member === 'string' ? member : JSON.stringify(member));
const foreign = (date: number, message: string) => ({ from: 5, date, message, roomId: id });

async function read(dates: number[], overlap?: number, limits = LIMITS) {
  const [reading] = await timeline.read([{ id, dates, overlap }], limits);
  const texts = reading!.messages?.map(({ json }) => JSON.parse(json).message);
  return { ...reading!, texts };
}

describe('a reading', () => {
  test('brings what follows a date', async () => {
    const dates = await append('a', 'b', 'c');
    expect(await read([dates[0]!])).toMatchObject({
      since: dates[0],
      end: dates[2],
      standing: true,
      count: 2,
      texts: ['b', 'c'],
    });
    expect(await read([0])).toMatchObject({ since: 0, standing: true, count: 3 });
  });

  test('goes by the members that there are, whether they can be read or not', async () => {
    const [first] = await append('a');
    await store(first! + 0.000001, 'not json');
    const [, last] = await append('b', 'c');
    expect(await read([first!])).toMatchObject({ count: 3, end: last, texts: ['b', 'c'] });
    expect(await read([first!], undefined, { ...LIMITS, members: 2 })).toMatchObject({
      count: 3,
      messages: undefined,
    });
  });

  test('brings nothing rather than too many bytes', async () => {
    await append('x'.repeat(60_000), 'y'.repeat(60_000));
    expect(await read([0])).toMatchObject({ count: 2, messages: undefined });
  });

  test('ends before what is too far ahead of the clock of Redis', async () => {
    const [first] = await append('a');
    await store(first! + 3700, foreign(first! + 3700, 'ahead'));
    expect(await read([first!])).toMatchObject({ end: first, count: 0 });
  });

  test('starts after the first date that the room has', async () => {
    const [a, b] = await append('a', 'b', 'c');
    await redis.zremrangebyscore(keys.room(id), b!, b!);
    expect(await read([b!, a!])).toMatchObject({ since: a, standing: false, texts: ['c'] });
  });

  test('starts after the first date, though the room has none of them, while that is before the end', async () => {
    const [a, b] = await append('a', 'b', 'c');
    await redis.zremrangebyscore(keys.room(id), 0, b!);
    expect(await read([b!, a!])).toMatchObject({ since: b, standing: false, texts: ['c'] });
  });

  test('of a date ahead of the clock starts where Redis went on', async () => {
    const [first] = await append('a');
    const ahead = Math.floor(first!) + 7000;
    const member = (date: number, prev: number) =>
      `{"from":5,"date":${date.toFixed(6)},"message":"x","roomId":"${id}","prev":${prev.toFixed(6)}}`;
    await store(ahead, member(ahead, first!));
    await store(ahead + 1, member(ahead + 1, ahead));
    await append('b');
    expect(await read([ahead + 1])).toMatchObject({ since: first, standing: true, texts: ['b'] });
  });

  test('of a date that the room does not have, and that is not before its end, says so', async () => {
    const [first] = await append('a');
    expect(await read([first! + 1])).toMatchObject({ since: 0, standing: false });
  });

  test('brings also what foreign servers dated into the seconds before, when asked to', async () => {
    const [first] = await append('a', 'b');
    const second = Math.floor(first!);
    await store(second, foreign(second, 'late'));
    expect(await read([first!], first)).toMatchObject({ count: 1, texts: ['late', 'b'] });
    expect(await read([first!])).toMatchObject({ count: 1, texts: ['b'] });
  });

  test('finds whole seconds in a busy room as well, from an earlier date on', async () => {
    const dates = await append(...Array.from({ length: 300 }, (_, n) => `${n}`));
    const second = Math.floor(dates[0]!);
    await store(second, foreign(second, 'late'));
    await store(second - 2, foreign(second - 2, 'later'));
    const last = dates.at(-1)!;
    expect(await read([last], dates[0])).toMatchObject({ count: 0, texts: ['late'] });
    expect(await read([last], dates[0]! - 1)).toMatchObject({ texts: ['later', 'late'] });
  });

  test('of a key of another type finds nothing', async () => {
    await redis.set(keys.room(id), 'x');
    expect(await read([5])).toMatchObject({ end: 0, count: 0, messages: [] });
    expect(await timeline.open([id])).toMatchObject([{ end: 0, recent: [] }]);
  });
});

test('an opening tells where a room is, what is there, and whether foreign servers write to it', async () => {
  const dates = await append(...'abcdefghijkl');
  expect(await timeline.open([id])).toMatchObject([
    { end: dates.at(-1), recent: dates.slice(-8), foreign: false, messages: [] },
  ]);
  await store(dates.at(-1)! + 0.1, foreign(dates.at(-1)! + 0.1, 'hola'));
  const [opening] = await timeline.open([id]);
  expect(opening).toMatchObject({ end: dates.at(-1)! + 0.1, foreign: true });
  expect(opening!.messages.map(({ json }) => JSON.parse(json).message)).toEqual(['hola']);
});
