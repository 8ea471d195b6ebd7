import { MAX_DATE_AHEAD, type Message, type RoomId, readMessage } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';

/** A stored message as it goes to clients. */
export interface StoredMessage {
  /** The message's JSON: the member itself where this cluster wrote it, else rewritten in its layout. */
  json: string;
  /** The member's score. */
  date: number;
  /** The date before it in the room; undefined where a foreign server wrote it. */
  prev: number | undefined;
}

/** Reads rooms along their chain of dates. */
export class Timeline {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The date each room's next message follows, 0 for an empty one; in the order of the ids, in one round trip. */
  async last(roomIds: readonly RoomId[]): Promise<number[]> {
    if (roomIds.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const id of roomIds) {
      pipeline.zrevrangebyscore(keys.room(id), latest(), '(0', 'WITHSCORES', 'LIMIT', 0, 1);
    }
    const replies = await pipeline.exec();
    return (replies ?? []).map(([error, reply]) => {
      if (isAway(error)) throw error;
      // A key of another type is a foreign server's mistake; the room counts as empty.
      return error ? 0 : Number((reply as string[])[1] ?? 0);
    });
  }

  /** Messages after a date, oldest first, at most `limit`. Members that are no messages are left out. */
  async after(roomId: RoomId, since: number, limit: number): Promise<StoredMessage[]> {
    const [messages] = await this.afterEach([[roomId, since]], limit);
    return messages!;
  }

  /** The same for many rooms in one round trip. */
  async afterEach(
    positions: readonly (readonly [RoomId, number])[],
    limit: number,
  ): Promise<StoredMessage[][]> {
    if (positions.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const [id, since] of positions) {
      pipeline.zrangebyscore(keys.room(id), `(${since}`, latest(), 'WITHSCORES', 'LIMIT', 0, limit);
    }
    const replies = await pipeline.exec();
    return (replies ?? []).map(([error, reply], index) => {
      if (isAway(error)) throw error;
      return error ? [] : decode(positions[index]![0], reply as string[]);
    });
  }
}

/** The highest score that belongs to a room's chain. */
function latest(): number {
  return Date.now() / 1000 + MAX_DATE_AHEAD;
}

/** True for an error of the connection or the server, false for one of this key alone. */
function isAway(error: Error | null): error is Error {
  return error !== null && !error.message.startsWith('WRONGTYPE');
}

function decode(roomId: RoomId, reply: readonly string[]): StoredMessage[] {
  const messages: StoredMessage[] = [];
  for (let index = 0; index < reply.length; index += 2) {
    const message = decodeMember(roomId, reply[index]!, Number(reply[index + 1]));
    if (message) messages.push(message);
  }
  return messages;
}

/** Reads a member of a room's sorted set; undefined when it is no message. */
export function decodeMember(roomId: RoomId, member: string, score: number): StoredMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(member);
  } catch {
    return undefined;
  }
  if (isOwn(value, roomId, score)) return { json: member, date: score, prev: value.prev };
  // As in a page of history, the room is the key's and the date is the score.
  const message = readMessage(typeof value === 'object' ? { ...value, roomId, date: score } : value);
  if (!message) return undefined;
  return { json: JSON.stringify(message), date: score, prev: undefined };
}

/** True for a message as this cluster writes it, which goes out as it is. */
function isOwn(value: unknown, roomId: RoomId, score: number): value is Message & { prev: number } {
  const { prev, date, roomId: room, from } = (value ?? {}) as Partial<Message>;
  return typeof prev === 'number' && typeof from === 'number' && date === score && room === roomId;
}
