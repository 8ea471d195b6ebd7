import { coalesceWrites } from '@chat/kit';
import { Appender, draft, Pages } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { PageBodies } from './page-bodies.ts';
import type { PageQuery } from './page-query.ts';

const NEWEST: PageQuery = { range: 'newest', offset: 0, size: 50 };

let server: RunningRedis;
let sender: Redis;
let redis: Redis;
let bodies: PageBodies;
beforeAll(async () => {
  server = await startRedis();
  sender = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  sender.disconnect();
  await server.stop();
});
beforeEach(async () => {
  redis?.disconnect();
  await sender.flushall();
  redis = new Redis(server.url, { enableOfflineQueue: false, retryStrategy: () => 20, lazyConnect: true });
  redis.on('error', () => undefined);
  await redis.connect();
  const writes = coalesceWrites(redis);
  bodies = new PageBodies(new Pages(redis), writes.beforeLeaving.bind(writes));
  await say('0', 'first');
});

const say = (roomId: string, text: string) =>
  new Appender(sender, { serverId: 'test', keep: 0 }).append(roomId, [
    draft(1, roomId, text, undefined, false),
  ]);

const texts = async (roomId = '0', query: PageQuery = NEWEST) => {
  const { json } = await bodies.read(roomId, query);
  return (JSON.parse(json.toString()) as { message: string }[]).map(({ message }) => message);
};

async function readsOfRedis(): Promise<number> {
  const stats = await sender.info('commandstats');
  return Number(/cmdstat_zrevrange:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

it('asks once for what many ask for together, and again for the next ones', async () => {
  await redis.ping();
  const before = await readsOfRedis();
  const pages = await Promise.all(Array.from({ length: 40 }, () => texts()));
  expect(pages).toEqual(Array(40).fill(['first']));
  expect((await readsOfRedis()) - before).toBe(1);
  await texts();
  await texts();
  expect((await readsOfRedis()) - before).toBe(3);
});

it('keeps rooms, ranges, positions and sizes apart', async () => {
  await say('0', 'second');
  await say('1:2', 'private');
  const asked: [string, PageQuery][] = [
    ['0', NEWEST],
    ['1:2', NEWEST],
    ['0', { range: 'newest', offset: 1, size: 50 }],
    ['0', { range: 'newest', offset: 0, size: 1 }],
    ['0', { range: 'after', date: 0, size: 50 }],
    ['0', { range: 'before', date: 0, size: 50 }],
  ];
  expect(await Promise.all(asked.map(([roomId, query]) => texts(roomId, query)))).toEqual([
    ['second', 'first'],
    ['private'],
    ['first'],
    ['second'],
    ['first', 'second'],
    [],
  ]);
});

it('shows every message that was stored before the page was asked for, whoever asks at the same time', async () => {
  let going = true;
  const readers = Array.from({ length: 8 }, async () => {
    while (going) await texts();
  });
  try {
    for (let n = 0; n < 300; n++) {
      await say('0', `m${n}`);
      expect((await texts())[0]).toBe(`m${n}`);
    }
  } finally {
    going = false;
    await Promise.all(readers);
  }
});

it('shares a failure with nobody who asks after Redis is back', async () => {
  const lost = new Promise((resolve) => redis.once('close', resolve));
  await sender.client('KILL', 'ID', await redis.client('ID'));
  await lost;
  await expect(texts()).rejects.toThrow();
  await new Promise((resolve) => redis.once('ready', resolve));
  expect(await texts()).toEqual(['first']);
});
