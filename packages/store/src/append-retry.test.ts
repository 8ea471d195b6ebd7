import { joinMessage, messageFragments, RETRY_WINDOW } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { Appender, type Draft, draft } from './append.ts';
import { keys } from './keys.ts';

const ROOM = '1:2';

// Of its own: these tests count the commands that Redis carries out.
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

const appender = (keep: number) => new Appender(redis, { serverId: 'test', keep });
const item = (cid: string): Draft => draft(1, ROOM, cid, cid, false);
const retryOf = (cid: string): Draft => ({ ...item(cid), retry: true });

/** Stores many messages with the given dates at once, as if they had been appended. */
async function plant(count: number, dateOf: (index: number) => number): Promise<void> {
  for (let start = 0; start < count; start += 1000) {
    const rows = Array.from({ length: Math.min(1000, count - start) }, (_, row) => {
      const index = start + row;
      const date = dateOf(index).toFixed(6);
      return [date, joinMessage(messageFragments(1, ROOM, 'x', `planted-${index}`), date, '0')];
    });
    await redis.zadd(keys.room(ROOM), ...rows.flat());
  }
}

async function scriptCalls(): Promise<number> {
  const stats = await redis.info('commandstats');
  return Array.from(stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm), ([, calls]) =>
    Number(calls),
  ).reduce((sum, calls) => sum + calls, 0);
}

describe('a retry in a room with many messages of the last minutes', () => {
  const count = 30_000;
  const recent = (index: number) => Date.now() / 1000 - 200 + index / 1000;

  it('is looked for by many short calls', async () => {
    await plant(count, recent);
    await redis.config('RESETSTAT');
    expect((await appender(0).append(ROOM, [retryOf('new')]))[0]!.stored).toBe(true);
    expect(await scriptCalls()).toBeGreaterThanOrEqual(count / 1000);
  });

  it('is found wherever it is, and what was appended meanwhile too', async () => {
    await plant(count, recent);
    const wanted = [0, 499, 500, 501, 999, 1000, count / 2, count - 1].map((index) => `planted-${index}`);
    const [answers, [between]] = await Promise.all([
      appender(0).append(ROOM, wanted.map(retryOf)),
      appender(0).append(ROOM, [item('between')]),
    ]);
    expect(answers.map(({ stored }) => stored)).toEqual(wanted.map(() => false));
    expect(between!.stored).toBe(true);
    const [again] = await appender(0).append(ROOM, [retryOf('between')]);
    expect(again).toEqual({ date: between!.date, prev: '', stored: false });
    expect(await redis.zcard(keys.room(ROOM))).toBe(count + 1);
  });

  it('is looked for to the end where thousands have one date', async () => {
    const second = Math.floor(Date.now() / 1000);
    await plant(2500, () => second - 100);
    await appender(0).append(ROOM, [item('after-them')]);
    expect((await appender(0).append(ROOM, [retryOf('after-them')]))[0]!.stored).toBe(false);
    await redis.del(keys.room(ROOM));
    await plant(2500, () => second + 100);
    expect((await appender(0).append(ROOM, [retryOf('new')]))[0]!.stored).toBe(true);
  });
});

describe('a message that the room no longer keeps', () => {
  it('is stored once all the same while it is younger than the window', async () => {
    const short = appender(3);
    const [first] = await short.append(ROOM, [item('first')]);
    for (const cid of ['a', 'b', 'c', 'd', 'e']) await short.append(ROOM, [item(cid)]);
    const again = await short.append(ROOM, [retryOf('first'), retryOf('e')]);
    expect(again[0]).toEqual({ date: first!.date, prev: '', stored: false });
    expect(again[1]!.stored).toBe(false);
    expect(await redis.zcard(keys.room(ROOM))).toBe(3);
  });

  it('is forgotten after that', async () => {
    const short = appender(3);
    for (const cid of ['a', 'b', 'c', 'd']) await short.append(ROOM, [item(cid)]);
    const ttl = await redis.ttl(keys.roomRetried(ROOM));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(RETRY_WINDOW);
    await redis.zadd(keys.roomRetried(ROOM), Date.now() / 1000 - RETRY_WINDOW - 1, 'old');
    await short.append(ROOM, [item('e')]);
    expect(await redis.zscore(keys.roomRetried(ROOM), 'old')).toBeNull();
  });

  it('costs a room that takes longer to turn over nothing', async () => {
    await plant(10, (index) => Date.now() / 1000 - RETRY_WINDOW - 100 + index);
    await appender(10).append(ROOM, [item('a'), item('b'), item('c')]);
    expect(await redis.zcard(keys.room(ROOM))).toBe(10);
    expect(await redis.exists(keys.roomRetried(ROOM))).toBe(0);
  });
});
