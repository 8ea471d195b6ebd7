/** A user's number, from `INCR total_users`. */
export type UserId = number;

/**
 * A room's id: `"0"` is General, further named rooms are `"1"`, `"2"` …, and the private room of users 1 and 2
 * is `"1:2"`, the smaller id first.
 */
export type RoomId = string;

/** The room everyone is in. */
export const GENERAL: RoomId = '0';

// At most 15 digits, so that every id is an exact JavaScript number.
const NAMED = /^(?:0|[1-9]\d{0,14})$/;
const PRIVATE = /^([1-9]\d{0,14}):([1-9]\d{0,14})$/;

/** Reads a user id as foreign servers write it: a positive integer or its decimal string. */
export function parseUserId(value: unknown): UserId | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text === '0' || !NAMED.test(text)) return undefined;
  return Number(text);
}

/** True for a room id in its one canonical spelling; `"2:1"`, `"1:1"`, `"01"` and `"../x"` are none. */
export function isRoomId(value: unknown): value is RoomId {
  return typeof value === 'string' && (NAMED.test(value) || privateMembers(value) !== undefined);
}

/** The two users of a private room, or undefined when the id is not one of a private room. */
export function privateMembers(roomId: RoomId): [UserId, UserId] | undefined {
  const match = PRIVATE.exec(roomId);
  if (!match) return undefined;
  const a = Number(match[1]);
  const b = Number(match[2]);
  return a < b ? [a, b] : undefined;
}

/** The id of the private room of two different users. */
export function privateRoomId(a: UserId, b: UserId): RoomId {
  if (a === b) throw new RangeError('a private room needs two different users');
  return a < b ? `${a}:${b}` : `${b}:${a}`;
}
