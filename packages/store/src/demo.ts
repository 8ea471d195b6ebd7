import {
  GENERAL,
  joinMessage,
  messageFragments,
  privateRoomId,
  type RoomId,
  type UserId,
} from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';

/** The tutorial's demo users; their ids are 1, 2, 3 and 4. */
export const DEMO_NAMES = ['Pablo', 'Joe', 'Mary', 'Alex'] as const;

export const DEMO_PASSWORD = 'password123';

/** Of {@link DEMO_PASSWORD}, at cost 10. Ready-made, as its salt has nothing to protect, so that no bcrypt is needed here. */
const DEMO_PASSWORD_HASH = '$2b$10$uEz.l2HIkxq5WbdJUvv66.N2C9olbYHdM86omvWj1CSbycmLH7jEK';

const GREETINGS = ['Hello', 'Hi', 'Yo', 'Hola'];

/** Each user has a line of their own in General; index + 1 is the user. */
const GENERAL_LINES: [UserId, string][] = [
  [1, 'Hello'],
  [2, 'Hi, everyone'],
  [3, 'Good to see you all here'],
  [4, 'Yo'],
  [1, 'Open a second window to see this arrive on another replica'],
];

const SECONDS_BETWEEN = 60;

/** The keys that the seed writes: the counter, three for each user, General with its name, the private rooms. */
const DEMO_KEYS = 1 + 3 * DEMO_NAMES.length + 2 + (DEMO_NAMES.length * (DEMO_NAMES.length - 1)) / 2;

const demoSeed = loadScript('demo-seed', DEMO_KEYS);

/**
 * Writes the tutorial's demo data where none of it exists, above all no `total_users`: four users, their private rooms with greetings,
 * and some lines in General. It is one atomic script: however many processes start together one of them writes, and a
 * crash leaves all of it or nothing.
 *
 * @returns true when this call wrote it.
 */
export async function seedDemoData(redis: Redis): Promise<boolean> {
  const [seconds] = await redis.time();
  const writes = new Writes();
  writes.add('SET', keys.totalUsers, DEMO_NAMES.length);
  for (const [index, name] of DEMO_NAMES.entries()) addUser(writes, index + 1, name);
  writes.add('SET', keys.roomName(GENERAL), 'General');
  addMessages(writes, GENERAL, GENERAL_LINES, Number(seconds));
  for (const [a, b] of pairs()) addMessages(writes, privateRoomId(a, b), greetings(a, b), Number(seconds));
  return (await demoSeed(redis, writes.keysAndArgs())) === 1;
}

function addUser(writes: Writes, id: UserId, name: string): void {
  const rooms = pairs()
    .filter((pair) => pair.includes(id))
    .map(([a, b]) => privateRoomId(a, b));
  writes.add('HSET', keys.user(id), 'username', name, 'password', DEMO_PASSWORD_HASH);
  writes.add('SADD', keys.userRooms(id), GENERAL, ...rooms);
  writes.add('SET', keys.username(name), keys.user(id));
}

/** A room's messages, a minute apart, the last one a minute ago, in the layout and with the links of the append script. */
function addMessages(writes: Writes, roomId: RoomId, lines: [UserId, string][], now: number): void {
  let prev = '0';
  for (const [index, [from, text]] of lines.entries()) {
    const date = `${now - SECONDS_BETWEEN * (lines.length - index)}.000000`;
    const member = joinMessage(messageFragments(from, roomId, text), date, prev);
    writes.add('ZADD', keys.room(roomId), date, member);
    prev = date;
  }
}

function greetings(a: UserId, b: UserId): [UserId, string][] {
  return [
    [a, GREETINGS[(a + b) % GREETINGS.length]!],
    [b, GREETINGS[(a + b + 1) % GREETINGS.length]!],
  ];
}

function pairs(): [UserId, UserId][] {
  const ids = DEMO_NAMES.map((_, index) => index + 1);
  return ids.flatMap((a) => ids.filter((b) => a < b).map((b): [UserId, UserId] => [a, b]));
}

/** Collects what the script is to write. */
class Writes {
  readonly #keys: string[] = [];
  readonly #args: (string | number)[] = [];

  add(command: string, key: string, ...args: (string | number)[]): void {
    let place = this.#keys.indexOf(key);
    if (place < 0) place = this.#keys.push(key) - 1;
    this.#args.push(command, place + 1, args.length, ...args);
  }

  keysAndArgs(): (string | number)[] {
    return [...this.#keys, ...this.#args];
  }
}
