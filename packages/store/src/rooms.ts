import { GENERAL, isRoomId, privateMembers, privateRoomId, type RoomId, type UserId } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { batched, type Schedule } from './batch.ts';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';
import { orMissing } from './wrong-type.ts';

const roomMembers = loadScript('room-members');

/** A room as clients see it: a named one by its name, a private one by the names of its two users. */
export type RoomInfo = { id: RoomId; name: string } | { id: RoomId; names: [string, string] };

/** Finds the names of users; ids without a user are missing in the answer. */
export type UsernameLookup = (ids: UserId[]) => Promise<Map<UserId, string>>;

/** `unknown`: there is no such room as far as this user may know. */
export type RoomAccess = 'member' | 'forbidden' | 'unknown';

/** Who is in which room. Messages are read by Pages and written by the append script. */
export class Rooms {
  readonly #redis: Redis;
  readonly #hasRoom: (question: string) => Promise<boolean>;

  /** @param schedule when questions of membership that are asked together leave */
  constructor(redis: Redis, schedule?: Schedule) {
    this.#redis = redis;
    this.#hasRoom = batched((questions) => this.#haveRooms(questions), schedule);
  }

  /** The name of a named room; undefined for a private room and for one that does not exist. */
  async name(roomId: RoomId): Promise<string | undefined> {
    return (await this.names([roomId])).get(roomId);
  }

  /** The names of those of the rooms that have one, in one round trip. */
  async names(roomIds: RoomId[]): Promise<Map<RoomId, string>> {
    const named = roomIds.filter((id) => !privateMembers(id));
    const found = new Map<RoomId, string>();
    if (named.length === 0) return found;
    const values = await this.#redis.mget(named.map(keys.roomName));
    for (const [index, id] of named.entries()) {
      // General exists before anyone has named it: DEMO_DATA=false writes no name.
      const name = values[index] ?? (id === GENERAL ? 'General' : undefined);
      if (name !== undefined) found.set(id, name);
    }
    return found;
  }

  /**
   * What to call these rooms, in the given order: the rooms' and the users' names are asked for at once. A foreign
   * server may leave a room or a user without a name: the id then stands in for it.
   */
  async info(roomIds: RoomId[], usernames: UsernameLookup): Promise<RoomInfo[]> {
    const userIds = new Set(roomIds.flatMap((id) => privateMembers(id) ?? []));
    const [names, users] = await Promise.all([
      this.names(roomIds),
      userIds.size > 0 ? usernames([...userIds]) : new Map<UserId, string>(),
    ]);
    return roomIds.map((id) => {
      const pair = privateMembers(id);
      if (!pair) return { id, name: names.get(id) ?? `Room ${id}` };
      const [a, b] = pair.map((user) => users.get(user) ?? `User ${user}`);
      return { id, names: [a as string, b as string] };
    });
  }

  /** The rooms of a user: General, named ones, private ones. What is no room of this user's is left out. */
  async roomsOf(userId: UserId): Promise<RoomId[]> {
    const ids = await orMissing(this.#redis.smembers(keys.userRooms(userId)), []);
    return inOrder(ids.filter((id) => isRoomId(id) && mayEnter(userId, id)));
  }

  async isMember(userId: UserId, roomId: RoomId): Promise<boolean> {
    return (await this.access(userId, roomId)) === 'member';
  }

  /**
   * Whether a user may read and write a room. One round trip for members. A private room exists as soon as one of
   * its two users has it, or a foreign server wrote a message into it.
   */
  async access(userId: UserId, roomId: RoomId): Promise<RoomAccess> {
    if (!isRoomId(roomId)) return 'unknown';
    if (!mayEnter(userId, roomId)) return 'forbidden';
    if (await this.#hasRoom(`${userId} ${roomId}`)) return 'member';
    if (privateMembers(roomId)) return (await this.#redis.exists(keys.room(roomId))) ? 'member' : 'unknown';
    return (await this.name(roomId)) === undefined ? 'unknown' : 'forbidden';
  }

  /**
   * Gives two users their private room; doing it again changes nothing.
   *
   * @returns undefined when one of the users does not exist. `created` is false when both had the room.
   * @throws RangeError when both are the same user.
   */
  async createPrivate(a: UserId, b: UserId): Promise<{ id: RoomId; created: boolean } | undefined> {
    const id = privateRoomId(a, b);
    const users = await Promise.all([a, b].map((user) => orMissing(this.#redis.hlen(keys.user(user)), 0)));
    if (users.includes(0)) return undefined;
    const added = await Promise.all(
      [a, b].map((user) => orMissing(this.#redis.sadd(keys.userRooms(user), id), 0)),
    );
    return { id, created: added.includes(1) };
  }

  /** Creates a named room with its creator in it. Names need not be unique; `name` is taken as it is. */
  async createNamed(name: string, creator: UserId): Promise<{ id: RoomId; name: string }> {
    const id = await this.#claimId(name);
    await this.#redis.sadd(keys.userRooms(creator), id);
    return { id, name };
  }

  /**
   * Lets a user into a named room; doing it again changes nothing.
   *
   * @returns the room's name; undefined when there is no named room of this id.
   */
  async join(userId: UserId, roomId: RoomId): Promise<string | undefined> {
    const name = isRoomId(roomId) ? await this.name(roomId) : undefined;
    if (name === undefined) return undefined;
    await this.#redis.sadd(keys.userRooms(userId), roomId);
    return name;
  }

  /** Takes a user out of a named room. General and private rooms cannot be left: false, as when not in the room. */
  async leave(userId: UserId, roomId: RoomId): Promise<boolean> {
    if (roomId === GENERAL || privateMembers(roomId)) return false;
    return (await this.#redis.srem(keys.userRooms(userId), roomId)) === 1;
  }

  /** @param questions user and room, with a space between them */
  async #haveRooms(questions: readonly string[]): Promise<boolean[]> {
    const pairs = questions.map((question) => question.split(' ') as [string, RoomId]);
    const sets = pairs.map(([user]) => keys.userRooms(Number(user)));
    const rooms = pairs.map(([, room]) => room);
    return ((await roomMembers(this.#redis, [sets.length, ...sets, ...rooms])) as number[]).map(Boolean);
  }

  /**
   * The counter alone is no claim: a server that does not know it may have named a room already, or written
   * messages into one without a name, which must not become the first messages of a new room.
   */
  async #claimId(name: string): Promise<RoomId> {
    for (;;) {
      const id = String(await this.#redis.incr(keys.totalRooms));
      if (await this.#redis.exists(keys.room(id))) continue;
      if (await this.#redis.setnx(keys.roomName(id), name)) return id;
    }
  }
}

/** False only for a private room of others: that is decided by the id, whatever Redis holds. */
function mayEnter(userId: UserId, roomId: RoomId): boolean {
  return privateMembers(roomId)?.includes(userId) ?? true;
}

/** Named rooms by number, then private rooms by their users' numbers. Each id is read once, not at each comparison. */
function inOrder(ids: readonly RoomId[]): RoomId[] {
  return ids
    .map((id) => ({ id, place: privateMembers(id) ?? [0, Number(id)] }))
    .sort(({ place: a }, { place: b }) => a[0]! - b[0]! || a[1]! - b[1]!)
    .map(({ id }) => id);
}
