import { MAX_DATE_AHEAD, type Message, type RoomId, readMessage } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';
import { isWrongType } from './wrong-type.ts';

const roomRead = loadScript('room-read', 1);

/** A stored message as it goes to clients. */
export interface StoredMessage {
  /** The message's JSON: the member itself where this cluster wrote it, else rewritten in its layout. */
  json: string;
  /** The member's score. */
  date: number;
  /** The date before it in the room; undefined where a foreign server wrote it. */
  prev: number | undefined;
}

/** From where on a room is read. */
export interface Place {
  id: RoomId;
  /** Dates that the reader has, the one to go on from first: Redis may have lost it, or its clock may have been set back. */
  dates: readonly number[];
  /**
   * Read also what foreign servers dated from the second before this date on, up to the date that is read after: they
   * write whole seconds, which sort before what was stored earlier in that second.
   */
  overlap: number | undefined;
}

/** What one reading may bring of each room. */
export interface ReadLimits {
  members: number;
  bytes: number;
}

/** What a room has after a date. */
export interface Reading {
  /** Redis' clock, seconds. */
  now: number;
  /** The date that the room's next message follows, 0 in an empty room. */
  end: number;
  /** The date that was read after: one of the place's where the room has one, 0 where nothing leads from them to the end. */
  since: number;
  /** The room has the first date of the place. */
  standing: boolean;
  /** Members after `since`, readable or not. */
  count: number;
  /** Oldest first, those of the overlap before; members that are no messages are left out. Undefined: over the limits. */
  messages: StoredMessage[] | undefined;
}

/** Where a room is when somebody begins to listen. */
export interface Opening {
  now: number;
  end: number;
  /** The newest dates, ascending; `end` is the last. */
  recent: number[];
  /** A foreign server wrote one of them. */
  foreign: boolean;
  /** The foreign messages of the two seconds before `end`. */
  messages: StoredMessage[];
}

type Reply = [string, string, string, number, number, number, string[], string[], number];

const NOTHING: Reply = ['0', '0', '0', 0, 0, 1, [], [], 0];

/** Reads rooms along their chain of dates, by Redis' clock. */
export class Timeline {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Where these rooms are, in the order of the ids, in one round trip. */
  async open(roomIds: readonly RoomId[]): Promise<Opening[]> {
    const replies = await Promise.all(
      roomIds.map((id) => this.#ask({ id, dates: [], overlap: undefined }, { members: 0, bytes: 64 * 1024 })),
    );
    return replies.map((reply, index) => ({
      now: Number(reply[0]),
      end: Number(reply[1]),
      recent: reply[7].map(Number).reverse(),
      foreign: reply[8] === 1,
      messages: decode(roomIds[index]!, reply[6]),
    }));
  }

  /** What these rooms have after their places, in one round trip. */
  async read(places: readonly Place[], limits: ReadLimits): Promise<Reading[]> {
    const replies = await Promise.all(places.map((place) => this.#ask(place, limits)));
    return replies.map(([now, end, since, standing, count, all, members], index) => ({
      now: Number(now),
      end: Number(end),
      since: Number(since),
      standing: standing === 1,
      count,
      messages: all === 1 ? decode(places[index]!.id, members) : undefined,
    }));
  }

  async #ask({ id, dates, overlap }: Place, { members, bytes }: ReadLimits): Promise<Reply> {
    const args = [keys.room(id), MAX_DATE_AHEAD, members, bytes, overlap ?? '', ...dates];
    try {
      return (await roomRead(this.#redis, args)) as Reply;
    } catch (error) {
      // A key of another type is a foreign server's mistake; the room counts as empty.
      if (isWrongType(error)) return NOTHING;
      throw error;
    }
  }
}

function decode(roomId: RoomId, rows: readonly string[]): StoredMessage[] {
  const messages: StoredMessage[] = [];
  for (let index = 0; index < rows.length; index += 2) {
    const message = decodeMember(roomId, rows[index]!, Number(rows[index + 1]));
    if (message) messages.push(message);
  }
  return messages;
}

/** Reads a member of a room's sorted set; undefined when it is no message. */
function decodeMember(roomId: RoomId, member: string, score: number): StoredMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(member);
  } catch {
    return undefined;
  }
  // As in a page of history, the room is the key's and the date is the score.
  const message = readMessage(typeof value === 'object' ? { ...value, roomId, date: score } : value);
  if (!message) return undefined;
  if (isOwn(value, roomId, score)) return { json: member, date: score, prev: value.prev };
  delete message.prev;
  return { json: JSON.stringify(message), date: score, prev: undefined };
}

/** True for a message as this cluster writes it, which goes out as it is. */
function isOwn(value: unknown, roomId: RoomId, score: number): value is Message & { prev: number } {
  const { prev, date, roomId: room, from } = (value ?? {}) as Partial<Message>;
  if (typeof prev !== 'number' || typeof from !== 'number') return false;
  return date === score && prev >= 0 && prev < score && room === roomId;
}
