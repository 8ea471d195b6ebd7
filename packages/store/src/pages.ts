import { isOwnMember, type RoomId, readMessage } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { orMissing } from './wrong-type.ts';

/** A part of a room's history, every message as JSON text that needs no further look: the body is their join. */
export interface Page {
  messages: string[];
  /** Members of the sorted set that are no message, met on the way; foreign servers can write such. */
  skipped: number;
}

/** What this page was read by; a skipped member costs the page nothing, reading goes on until it is full. */
type Range =
  | { kind: 'newest'; offset: number }
  | { kind: 'before'; date: number }
  | { kind: 'after'; date: number };

/** Messages that share one date (foreign servers write whole seconds) by which a page may pass its size. */
const MAX_TIES = 1000;
/** Members that are looked at for one page at most: a room full of garbage must not hold up the others. */
const MAX_SCANNED = 10_000;
const MAX_CHUNK = 1000;

/** Reads the history of rooms in pages. Scores are dates; a page's dates are exactly the scores. */
export class Pages {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Newest first, from the offset-th newest member on; exactly `size` when the room has as many. Offsets move as
   * messages arrive: page by date to see each message once.
   */
  newest(roomId: RoomId, offset: number, size: number): Promise<Page> {
    return this.#page(roomId, { kind: 'newest', offset }, size);
  }

  /**
   * The messages before a date (seconds, exclusive), newest first. Messages of one date are never torn apart, as the
   * next page would miss the rest: only there the page is longer than `size`.
   */
  before(roomId: RoomId, date: number, size: number): Promise<Page> {
    return this.#page(roomId, { kind: 'before', date }, size);
  }

  /** The messages after a date (seconds, exclusive), oldest first; otherwise like {@link before}. */
  after(roomId: RoomId, date: number, size: number): Promise<Page> {
    return this.#page(roomId, { kind: 'after', date }, size);
  }

  /** One round trip and no parsing while all is of our own layout, whose dates are distinct. */
  async #page(roomId: RoomId, range: Range, size: number): Promise<Page> {
    // One more shows whether the last date goes on beyond the page.
    const wanted = range.kind === 'newest' ? size : size + 1;
    const rows = await this.#read(roomId, range, 0, wanted);
    const messages: string[] = [];
    for (let index = 0; index < rows.length; index += 2) {
      const member = rows[index] as string;
      if (!isOwnMember(member, roomId, Number(rows[index + 1])))
        return this.#foreignPage(roomId, range, size);
      messages.push(member);
    }
    if (messages.length > size) messages.pop();
    return { messages, skipped: 0 };
  }

  /** Message by message: for rooms that foreign servers write to. */
  async #foreignPage(roomId: RoomId, range: Range, size: number): Promise<Page> {
    const page: Page = { messages: [], skipped: 0 };
    // Messages that arrive between two chunks push what has been read into the next one.
    const seen = new Set<string>();
    let lastScore: string | undefined;
    let count = size + 50;
    for (let start = 0; start < MAX_SCANNED; start += count, count = MAX_CHUNK) {
      const rows = await this.#read(roomId, range, start, count);
      for (let index = 0; index < rows.length; index += 2) {
        const member = rows[index] as string;
        const score = rows[index + 1] as string;
        if (page.messages.length >= size) {
          const torn = range.kind !== 'newest' && score === lastScore;
          if (!torn || page.messages.length >= size + MAX_TIES) return page;
        }
        if (seen.has(member)) continue;
        seen.add(member);
        const date = Number(score);
        const text = isOwnMember(member, roomId, date) ? member : normalize(member, roomId, date);
        if (text === undefined) {
          page.skipped++;
          continue;
        }
        page.messages.push(text);
        lastScore = score;
      }
      if (rows.length < 2 * count) break;
    }
    return page;
  }

  /** Each member is followed by its score. */
  #read(roomId: RoomId, range: Range, start: number, count: number): Promise<string[]> {
    return orMissing(this.#rows(keys.room(roomId), range, start, count), []);
  }

  // A number's shortest text reads back as the same double, in Redis as here: "(" leaves out just that date.
  #rows(key: string, range: Range, start: number, count: number): Promise<string[]> {
    const scores = 'WITHSCORES';
    switch (range.kind) {
      case 'newest':
        return this.#redis.zrevrange(key, range.offset + start, range.offset + start + count - 1, scores);
      case 'before':
        return this.#redis.zrevrangebyscore(key, `(${range.date}`, '-inf', scores, 'LIMIT', start, count);
      case 'after':
        return this.#redis.zrangebyscore(key, `(${range.date}`, '+inf', scores, 'LIMIT', start, count);
    }
  }
}

/**
 * A foreign server's message in our layout. The key says which room it is in and the score which date it has: by
 * these it is read, so a missing or other value inside does not count.
 */
function normalize(member: string, roomId: RoomId, date: number): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(member);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const message = readMessage({ ...value, roomId, date });
  if (!message) return undefined;
  // It has no place in the chain, whatever it says.
  delete message.prev;
  return JSON.stringify(message);
}
