import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { Appender, draft } from './append.ts';
import { keys } from './keys.ts';
import { type Page, Pages } from './pages.ts';

let server: RunningRedis;
let redis: Redis;
let pages: Pages;
let appender: Appender;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  pages = new Pages(redis);
  appender = new Appender(redis, { serverId: 'pages-test', keep: 0 });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());

interface Read {
  from: number;
  date: number;
  message: string;
  roomId: string;
  prev?: number;
  cid?: string;
}

function read(page: Page): Read[] {
  return JSON.parse(`[${page.messages.join(',')}]`);
}
const texts = (page: Page) => read(page).map(({ message }) => message);

/** Messages of this cluster, oldest first. */
async function append(roomId: string, ...messages: string[]) {
  return appender.append(
    roomId,
    messages.map((text) => draft(1, roomId, text, undefined, false)),
  );
}

/** A member as a server in another language writes it. */
function foreign(date: number, message: string, more: Record<string, unknown> = {}): [number, string] {
  return [date, JSON.stringify({ message, from: '2', date, roomId: '0', ...more }, null, 1)];
}

describe('messages of this cluster', () => {
  test('are passed on byte for byte, newest first', async () => {
    await appender.append('0', [
      draft(7, '0', 'Grüße 😀 "quoted" \\ \u0007 \u2028 \ud800', 'c-8f2', false),
      draft(7, '0', '', undefined, false),
    ]);
    const stored = await redis.zrevrange(keys.room('0'), 0, -1);
    expect(await pages.newest('0', 0, 50)).toEqual({ messages: stored, skipped: 0 });
    expect(read(await pages.newest('0', 0, 50))[1]).toMatchObject({ from: 7, cid: 'c-8f2' });
  });

  test('any text comes back, and only JSON is taken for our layout', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string(), async (text, garbage) => {
        await redis.del(keys.room('0'));
        await append('0', text);
        const last = (await redis.zrevrange(keys.room('0'), 0, 0))[0]!;
        await redis.zadd(
          keys.room('0'),
          1,
          last.replace(/"message":.*,"roomId"/s, `"message":"${garbage}","roomId"`),
        );
        const [first, ...rest] = texts(await pages.newest('0', 0, 50));
        expect(first).toBe(text);
        expect(rest.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  test('a page holds exactly its size, and the next offset follows it', async () => {
    await append('0', 'a', 'b', 'c', 'd', 'e');
    expect(texts(await pages.newest('0', 0, 2))).toEqual(['e', 'd']);
    expect(texts(await pages.newest('0', 2, 2))).toEqual(['c', 'b']);
    expect(texts(await pages.newest('0', 4, 2))).toEqual(['a']);
    expect(texts(await pages.newest('0', 5, 2))).toEqual([]);
  });

  test('before and after leave out the date itself', async () => {
    const [, b, , d] = await append('0', 'a', 'b', 'c', 'd', 'e');
    expect(texts(await pages.before('0', Number(d!.date), 2))).toEqual(['c', 'b']);
    expect(texts(await pages.after('0', Number(b!.date), 2))).toEqual(['c', 'd']);
    expect(texts(await pages.after('0', 0, 50))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(texts(await pages.before('0', 0, 50))).toEqual([]);
  });

  test('an empty room has empty pages', async () => {
    expect(await pages.newest('1:2', 0, 50)).toEqual({ messages: [], skipped: 0 });
    expect(await pages.after('1:2', 0, 50)).toEqual({ messages: [], skipped: 0 });
  });
});

describe('messages of foreign servers', () => {
  test.each([
    ['spaces and ids as strings', '{"from": "2", "date": 1615480369, "message": "Hi", "roomId": "1:2"}'],
    ['another order', '{"roomId":"1:2","message":"Hi","date":1615480369,"from":2}'],
    ['no room and no date', '{"from":2,"message":"Hi"}'],
    ['another room and date', '{"from":2,"message":"Hi","roomId":"0","date":5}'],
    [
      'unknown fields',
      '{"from":2,"message":"Hi","date":1615480369,"roomId":"1:2","__proto__":{"x":1},"y":[]}',
    ],
  ])('%s: read in our layout', async (_, member) => {
    await redis.zadd(keys.room('1:2'), 1615480369, member);
    expect(await pages.newest('1:2', 0, 50)).toEqual({
      messages: ['{"from":2,"date":1615480369,"message":"Hi","roomId":"1:2"}'],
      skipped: 0,
    });
  });

  test("our layout with another room's id is read as of this room", async () => {
    await append('0', 'Hi');
    const [member] = await redis.zrange(keys.room('0'), 0, '0');
    await redis.zadd(keys.room('1:2'), 1615480369.25, member!);
    expect(read(await pages.newest('1:2', 0, 50))).toMatchObject([{ roomId: '1:2', date: 1615480369.25 }]);
  });

  test('a date of 17 digits is the exact score, so paging by it neither repeats nor misses', async () => {
    const dates = [1615480369.1234565, 1615480369.1234567, 1615480369.123457, 1615480369.1234572];
    for (const date of dates) await redis.zadd(keys.room('0'), ...foreign(date, `at ${date}`));
    expect(read(await pages.after('0', dates[0]!, 1))[0]!.date).toBe(dates[1]);
    expect(read(await pages.before('0', dates[3]!, 1))[0]!.date).toBe(dates[2]);
    expect(read(await pages.newest('0', 0, 50)).map(({ date }) => date)).toEqual(dates.toReversed());
  });

  test('messages of one second are not torn apart', async () => {
    await append('0', 'ours');
    for (const n of [1, 2, 3, 4, 5]) await redis.zadd(keys.room('0'), ...foreign(100, `s${n}`));
    await redis.zadd(keys.room('0'), ...foreign(99, 'older'));
    expect(texts(await pages.before('0', 1e10, 3))).toEqual(['ours', 's5', 's4', 's3', 's2', 's1']);
    expect(texts(await pages.before('0', 100, 3))).toEqual(['older']);
    expect(texts(await pages.after('0', 0, 2))).toEqual(['older', 's1', 's2', 's3', 's4', 's5']);
    expect(texts(await pages.newest('0', 0, 3))).toEqual(['ours', 's5', 's4']);
  });

  test('one whose date is that of the next message of ours is not missed', async () => {
    const [, second] = await append('0', 'a', 'b');
    await redis.zadd(keys.room('0'), ...foreign(Number(second!.date), 'same date'));
    const both = new Set(['b', 'same date']);
    expect(new Set(texts(await pages.before('0', 1e10, 1)))).toEqual(both);
    expect(new Set(texts(await pages.after('0', Number(second!.date) - 1e-6, 1)))).toEqual(both);
  });
});

describe('garbage in the sorted set', () => {
  const garbage = [
    'not JSON',
    "{'from': 1, 'date': 1615480369, 'message': 'Hello', 'roomId': '0'}",
    '',
    'null',
    '[]',
    '42',
    '{"from":0,"message":"no such user"}',
    '{"from":1,"message":7}',
    '{"from":1,"date":1,"message":"torn","roomId":"0","prev":0',
    '{"from":1,"date":1,"message":"bad \\x escape","roomId":"0","prev":0}',
    '{"from":1,"date":1,"message":"raw \n line","roomId":"0","prev":0}',
    '{"from":1,"date":1,"message":"a"b","roomId":"0","prev":0}',
  ];

  test('is skipped and counted, and the page is full all the same', async () => {
    await append('0', 'a', 'b', 'c');
    for (const [index, member] of garbage.entries()) await redis.zadd(keys.room('0'), 1e10 + index, member);
    const page = await pages.newest('0', 0, 2);
    expect(texts(page)).toEqual(['c', 'b']);
    expect(page.skipped).toBe(garbage.length);
    expect(texts(await pages.before('0', 2e10, 3))).toEqual(['c', 'b', 'a']);
    expect(texts(await pages.after('0', 0, 50))).toEqual(['a', 'b', 'c']);
  });

  test('a message in our layout has the date of its place, so that paging goes on behind it', async () => {
    const member = (date: string, text: string) =>
      `{"from":1,"date":${date}.000000,"message":"${text}","roomId":"0","prev":0,"cid":"${text}"}`;
    await redis.zadd(
      keys.room('0'),
      5,
      member('1', 'early'),
      6,
      member('9', 'late'),
      7,
      member('7', 'right'),
    );
    const first = await pages.after('0', 2, 1);
    expect(read(first)).toMatchObject([{ message: 'early', date: 5 }]);
    expect(read(await pages.after('0', 5, 50))).toMatchObject([
      { message: 'late', date: 6 },
      { message: 'right', date: 7 },
    ]);
  });

  test('numbers that only look like ours leave the page JSON', async () => {
    await redis.zadd(keys.room('0'), 1, '{"from":1,"date":0123,"message":"x","roomId":"0","prev":007}');
    await append('0', 'a');
    expect(texts(await pages.newest('0', 0, 50))).toEqual(['a']);
  });

  test('whatever a foreign server stores, a page is JSON', async () => {
    // Most parts are ours, so that many members come close to our layout.
    const number = fc.oneof(
      fc.constant('1615480369.123456'),
      fc.stringMatching(/^0?\d{1,3}(\.\d{0,6})?$/),
      fc.stringMatching(/^-?\d?\.?\de?\d?$/),
    );
    const text = fc.oneof({ arbitrary: fc.constant('Hi'), weight: 3 }, fc.stringMatching(/^[a"\\\n]{1,3}$/));
    const lookalike = fc
      .tuple(fc.constantFrom('1', '1', '01'), number, text, fc.constantFrom('0', '0', '00'), number, text)
      .map(
        ([from, date, message, room, prev, cid]) =>
          `{"from":${from},"date":${date},"message":"${message}","roomId":"${room}","prev":${prev},"cid":"${cid}"}`,
      );
    const members = fc.array(fc.oneof(lookalike, lookalike, fc.json()), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(members, async (planted) => {
        await redis.del(keys.room('0'));
        await append('0', 'ours');
        for (const member of planted) await redis.zadd(keys.room('0'), 1, member);
        expect(texts(await pages.newest('0', 0, 50))).toContain('ours');
      }),
      { numRuns: 500 },
    );
  });

  test('more of it than one chunk holds does not end the page', async () => {
    await append('0', 'a', 'b');
    const members = Array.from({ length: 3000 }, (_, n) => [1e10 + n, `garbage ${n}`]).flat();
    await redis.zadd(keys.room('0'), ...members);
    const page = await pages.newest('0', 0, 2);
    expect(texts(page)).toEqual(['b', 'a']);
    expect(page.skipped).toBe(3000);
  });

  test('a room full of it costs a bounded search', async () => {
    const members = Array.from({ length: 30_000 }, (_, n) => [n, `garbage ${n}`]).flat();
    await redis.zadd(keys.room('0'), ...members);
    const page = await pages.newest('0', 0, 50);
    expect(page.messages).toEqual([]);
    expect(page.skipped).toBeLessThanOrEqual(11_000);
  });

  test('infinite scores are no dates', async () => {
    await redis.zadd(keys.room('0'), 'inf', '{"from":1,"message":"Hi"}', '-inf', '{"from":2,"message":"Hi"}');
    expect(await pages.newest('0', 0, 50)).toEqual({ messages: [], skipped: 2 });
  });

  test('a member of 30 MB in our layout is read like a foreign one', async () => {
    const member = `{"from":1,"date":1,"message":"${'\\n'.repeat(15e6)}","roomId":"0","prev":0}`;
    await redis.zadd(keys.room('0'), 1, member);
    const page = await pages.newest('0', 0, 50);
    expect(page.messages[0]!.length).toBe(member.length - ',"prev":0'.length);
  });

  test('a key of another type is an empty room', async () => {
    await redis.set(keys.room('0'), 'a string');
    expect(await pages.newest('0', 0, 50)).toEqual({ messages: [], skipped: 0 });
  });
});
