import { randomUUID } from 'node:crypto';
import { MAX_DATE_AHEAD, type Message, parseEnvelope } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Appender, draft, memberOf } from './append.ts';
import { keys } from './keys.ts';

let redis: Redis;
let appender: Appender;
let room: string;
let next = Date.now() % 1_000_000_000;

beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
  appender = new Appender(redis, { serverId: `test-${randomUUID()}`, keep: 0 });
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = `${++next}`;
});
afterEach(() => redis.del(keys.room(room), keys.roomRetried(room)));

const send = (texts: string[]) =>
  appender.append(
    room,
    texts.map((text) => draft(1, room, text, undefined, false)),
  );
/** Stores many messages, each with a cid. */
const fill = async (count: number) => {
  const items = Array.from({ length: count }, (_, i) => draft(1, room, `${i}`, `fill-${i}`, false));
  const answers = [];
  for (let i = 0; i < count; i += 500)
    answers.push(...(await appender.append(room, items.slice(i, i + 500))));
  return { items, answers };
};
const stored = async () => {
  const reply = await redis.zrange(keys.room(room), '0', '-1', 'WITHSCORES');
  return Array.from({ length: reply.length / 2 }, (_, i) => ({
    message: JSON.parse(reply[2 * i]!) as Message,
    score: Number(reply[2 * i + 1]),
  }));
};

describe('append', () => {
  it('chains every message to the one before, in the order given', async () => {
    for (let batch = 0; batch < 20; batch++)
      await send(Array.from({ length: 50 }, (_, i) => `${batch}/${i}`));
    let prev = 0;
    const all = await stored();
    expect(all).toHaveLength(1000);
    for (const [index, { message, score }] of all.entries()) {
      expect(message.prev).toBe(prev);
      expect(message.date).toBe(score);
      expect(message.date).toBeGreaterThan(prev);
      expect(message.message).toBe(`${Math.floor(index / 50)}/${index % 50}`);
      prev = message.date;
    }
  });

  it('answers with exactly what it stored', async () => {
    const item = draft(7, room, 'Grüße "quoted" \u2028 \ud800 🎉', 'c-1', false);
    const [answer] = await appender.append(room, [item]);
    expect(await redis.zrange(keys.room(room), '0', '-1')).toEqual([memberOf(item, answer!)]);
    expect((await stored())[0]!.message).toMatchObject({ from: 7, roomId: room, cid: 'c-1', prev: 0 });
  });

  it('takes its dates from the clock of Redis', async () => {
    const [seconds] = await redis.time();
    const [answer] = await send(['now']);
    expect(Number(answer!.date)).toBeGreaterThanOrEqual(Number(seconds));
    expect(Number(answer!.date)).toBeLessThan(Number(seconds) + 60);
  });

  it('publishes each message in an envelope', async () => {
    const subscriber = redis.duplicate();
    try {
      const envelopes: string[] = [];
      await subscriber.subscribe('MESSAGES');
      const arrived = new Promise<void>((resolve) => {
        subscriber.on('message', (_channel, text) => {
          if (text.includes(`"roomId":"${room}"`)) envelopes.push(text);
          if (envelopes.length === 2) resolve();
        });
      });
      await send(['a', 'b']);
      await arrived;
      const messages = envelopes.map((text) => parseEnvelope(text)!.data as Message);
      expect(messages).toEqual((await stored()).map(({ message }) => message));
    } finally {
      await subscriber.quit();
    }
  });

  it('finds a retried message by sender and cid, and stores it once', async () => {
    const item = draft(1, room, 'once', 'cid-1', false);
    const [first] = await appender.append(room, [item]);
    await send(['between']);
    const [again] = await appender.append(room, [{ ...item, retry: true }]);
    expect(again).toEqual({ date: first!.date, prev: '', stored: false });
    expect(await redis.zcard(keys.room(room))).toBe(2);
  });

  it('finds a retried message that follows a foreign one exactly an hour ahead', async () => {
    const [seconds] = await redis.time();
    await redis.zadd(keys.room(room), Number(seconds) + MAX_DATE_AHEAD, 'foreign');
    const item = draft(1, room, 'x', 'ahead', false);
    const [first] = await appender.append(room, [item]);
    const [again] = await appender.append(room, [{ ...item, retry: true }]);
    expect(again).toEqual({ date: first!.date, prev: '', stored: false });
  });

  it('does not take another sender, another cid or a text that looks like one for the retried message', async () => {
    const taken = draft(2, room, 'x', 'cid-1', false);
    const lookalike = draft(1, room, 'x","cid":"cid-1"}', undefined, false);
    await appender.append(room, [taken, lookalike, draft(1, room, 'x', 'cid-10', false)]);
    const [answer] = await appender.append(room, [draft(1, room, 'x', 'cid-1', true)]);
    expect(answer!.stored).toBe(true);
  });

  it('stores once what arrives late, after its retry was stored by another way', async () => {
    const item = draft(1, room, 'late', 'cid-1', false);
    const [retried] = await appender.append(room, [{ ...item, retry: true }]);
    expect(retried!.stored).toBe(true);
    await send(['between']);
    const [late] = await appender.append(room, [item]);
    expect(late).toEqual({ date: retried!.date, prev: '', stored: false });
    const [other] = await appender.append(room, [draft(2, room, 'late', 'cid-1', false)]);
    expect(other!.stored).toBe(true);
    expect(await redis.zcard(keys.room(room))).toBe(3);
  });

  it.each([
    ['the retry after it', [false, true]],
    ['the retry before it', [true, false]],
    ['two retries', [true, true]],
  ])('stores a message once that stands twice in a batch: %s', async (_, retries) => {
    const item = draft(1, room, 'twice', 'cid-1', false);
    const answers = await appender.append(
      room,
      retries.map((retry) => ({ ...item, retry })),
    );
    expect(answers.map(({ stored }) => stored)).toEqual([true, false]);
    expect(answers[1]!.date).toBe(answers[0]!.date);
    expect(await redis.zcard(keys.room(room))).toBe(1);
  });

  it('keeps the order of a batch in which some are found and others are new', async () => {
    const items = ['a', 'b', 'c'].map((cid) => draft(1, room, cid, cid, false));
    const [first] = await appender.append(room, items.slice(0, 1));
    const answers = await appender.append(
      room,
      items.map((item) => ({ ...item, retry: true })),
    );
    expect(answers.map(({ stored }) => stored)).toEqual([false, true, true]);
    expect(answers[1]!.prev).toBe(first!.date);
    expect(answers[2]!.prev).toBe(answers[1]!.date);
  });

  it('finds what was stored after another retry had looked for its own', async () => {
    const [retry, later] = ['a', 'b'].map((cid) => draft(1, room, cid, cid, false));
    await appender.append(room, [{ ...retry!, retry: true }]);
    await send(['between']);
    const [first] = await appender.append(room, [later!]);
    const answers = await appender.append(room, [
      { ...later!, retry: true },
      { ...retry!, retry: true },
    ]);
    expect(answers[0]).toEqual({ date: first!.date, prev: '', stored: false });
    expect(answers[1]!.stored).toBe(false);
    expect(await redis.zcard(keys.room(room))).toBe(3);
  });

  it('finds the first, the last and any other of thousands', async () => {
    const { items, answers } = await fill(2500);
    const wanted = [0, 999, 1000, 1001, 2000, 2499];
    const again = await appender.append(
      room,
      wanted.map((index) => ({ ...items[index]!, retry: true })),
    );
    expect(again).toEqual(wanted.map((index) => ({ date: answers[index]!.date, prev: '', stored: false })));
  });

  it('finds what was stored in a room that was emptied and whose dates had been ahead', async () => {
    await redis.zadd(keys.room(room), Math.floor(Date.now() / 1000) + 100, '{"from":"1"}');
    await appender.append(room, [draft(1, room, 'x', 'cid-1', true)]);
    await redis.del(keys.room(room));
    const item = draft(1, room, 'y', 'cid-2', false);
    const [first] = await appender.append(room, [item]);
    expect((await appender.append(room, [{ ...item, retry: true }]))[0]).toEqual({
      date: first!.date,
      prev: '',
      stored: false,
    });
  });

  it.each([
    ['no number', '1.2.3'],
    ['without a digit', '.'],
    ['larger than any number', '9'.repeat(400)],
  ])('goes on when a foreign server wrote a message with a cid and a date that is %s', async (_, date) => {
    const item = draft(1, room, 'x', 'cid-1', false);
    await redis.zadd(
      keys.room(room),
      Math.floor(Date.now() / 1000),
      `${item.head}${date}${item.mid}0${item.tail}`,
    );
    expect((await appender.append(room, [{ ...item, retry: true }]))[0]!.stored).toBe(true);
    expect((await appender.append(room, [{ ...item, retry: true }]))[0]!.stored).toBe(false);
  });

  it('reads a busy room once, not again for each retry of what is not there', async () => {
    await fill(20_000);
    const retry = (cid: string) => appender.append(room, [draft(1, room, 'x', cid, true)]);
    const timeOf = async (work: () => Promise<unknown>) => {
      const start = performance.now();
      await work();
      return performance.now() - start;
    };
    const first = await timeOf(() => retry('once'));
    // As long as ten readings; a hundred would take ten times as long.
    const more = await timeOf(() => Promise.all(Array.from({ length: 100 }, (_, i) => retry(`more-${i}`))));
    expect(more).toBeLessThan(10 * first);
  });

  it.each([
    ['whole seconds', () => Math.floor(Date.now() / 1000) + 100],
    ['half a second', () => Math.floor(Date.now() / 1000) + 100.5],
    ['more decimals than a microsecond', () => Math.floor(Date.now() / 1000) + 100.1234567],
  ])('chains to what a foreign server stored with a clock that is ahead: %s', async (_, clock) => {
    const score = clock();
    await redis.zadd(keys.room(room), score, '{"from":"1"}');
    const [answer] = await send(['next']);
    expect(Number(answer!.prev)).toBe(score);
    expect(Number(answer!.date)).toBeGreaterThan(score);
    expect(Number(answer!.date)).toBeLessThan(score + 2e-6);
  });

  it('does not chain to a score in milliseconds, nor to one that is no date', async () => {
    await redis.zadd(keys.room(room), Date.now(), 'ms', '+inf', 'inf', '-inf', '-inf', -5, 'negative');
    const [answer] = await send(['first']);
    expect(answer!.prev).toBe('0');
    expect(Number(answer!.date)).toBeLessThan(Date.now() / 1000 + 60);
  });

  it('trims the room to its limit and goes on along the chain', async () => {
    const short = new Appender(redis, { serverId: 'test', keep: 3 });
    for (const text of ['a', 'b', 'c', 'd', 'e'])
      await short.append(room, [draft(1, room, text, undefined, false)]);
    const all = await stored();
    expect(all.map(({ message }) => message.message)).toEqual(['c', 'd', 'e']);
    expect(all[1]!.message.prev).toBe(all[0]!.message.date);
  });

  it('gives each message a date of its own behind a whole second at the bound for dates ahead', async () => {
    const [seconds] = await redis.time();
    const date = Number(seconds) + MAX_DATE_AHEAD;
    await redis.zadd(
      keys.room(room),
      date,
      JSON.stringify({ from: 2, date, message: 'ahead', roomId: room }),
    );
    const dates = [date];
    for (const text of ['one', 'two', 'three']) {
      const [appended] = await send([text]);
      expect(Number(appended!.prev)).toBe(dates.at(-1));
      dates.push(Number(appended!.date));
    }
    expect(new Set(dates).size).toBe(4);
  });

  it.each([
    ['one message', 1],
    ['more messages at once than the room keeps', 5],
  ])('keeps what it acknowledges before what is dated ahead: %s', async (_, count) => {
    const short = new Appender(redis, { serverId: 'test', keep: 3 });
    for (let n = 0; n < 5; n++) await redis.zadd(keys.room(room), Date.now() + n, `in milliseconds ${n}`);
    await redis.zadd(keys.room(room), '+inf', 'inf', '-inf', '-inf');
    const texts = Array.from({ length: count }, (_, n) => `${n}`);
    await short.append(
      room,
      texts.map((text) => draft(1, room, text, undefined, false)),
    );
    const ours = (await redis.zrange(keys.room(room), '0', '-1')).filter((member) => member.startsWith('{'));
    expect(ours.map((member) => JSON.parse(member).message)).toEqual(texts);
    expect(await redis.zcard(keys.room(room))).toBe(Math.max(3, count));
  });

  it('comes down to a lower limit step by step, oldest first', async () => {
    await fill(1200);
    const short = new Appender(redis, { serverId: 'test', keep: 10 });
    const sizes = [];
    for (const text of ['a', 'b', 'c', 'd']) {
      await short.append(room, [draft(1, room, text, undefined, false)]);
      sizes.push(await redis.zcard(keys.room(room)));
    }
    expect(sizes).toEqual([701, 202, 10, 10]);
    const newest = (await stored()).map(({ message }) => message.message);
    expect(newest.slice(-5)).toEqual(['1199', 'a', 'b', 'c', 'd']);
  });

  it('says so when the room is not a sorted set, and goes on with others', async () => {
    await redis.set(keys.room(room), 'garbage');
    await expect(send(['x'])).rejects.toThrow('WRONGTYPE');
    await redis.del(keys.room(room));
    expect((await send(['y']))[0]!.stored).toBe(true);
  });
});
