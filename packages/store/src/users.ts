import { GENERAL, parseUserId, type User, type UserId } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';
import { isWrongType, orMissing } from './wrong-type.ts';

const userCreate = loadScript('user-create', 3);
const passwordSet = loadScript('password-set', 1);

/** How many ids in a row may turn out to be taken: the counter was lost, the users were not. */
const MAX_TAKEN_IDS = 10_000;

/** The users, as every server of the chat writes and reads them. A key of another type is no user's. */
export class Users {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Makes a user, who is in General from the start. All at once: of several attempts with one name one succeeds, and
   * nobody ever sees half a user. An attempt that fails may use up an id.
   *
   * @param name as normalizeName gives it
   * @param passwordHash by bcrypt
   * @returns undefined when the name is taken.
   */
  async create(name: string, passwordHash: string): Promise<User | undefined> {
    if (await this.#redis.exists(keys.username(name))) return undefined;
    for (let attempt = 0; attempt < MAX_TAKEN_IDS; attempt++) {
      const id = await this.#redis.incr(keys.totalUsers);
      const made = await userCreate(this.#redis, [
        keys.username(name),
        keys.user(id),
        keys.userRooms(id),
        keys.user(id),
        name,
        passwordHash,
        GENERAL,
      ]);
      if (made === 1) return { id, username: name };
      if (made === 0) return undefined;
    }
    throw new Error(`the next ${MAX_TAKEN_IDS} user ids are taken: ${keys.totalUsers} is wrong`);
  }

  /** undefined when there is no such user. */
  async find(id: UserId): Promise<User | undefined> {
    const username = (await this.names([id])).get(id);
    return username === undefined ? undefined : { id, username };
  }

  /** undefined when nobody has exactly this name. */
  async findByName(name: string): Promise<User | undefined> {
    const key = await orMissing(this.#redis.get(keys.username(name)), null);
    const id = key === null ? undefined : idOfKey(key);
    return id === undefined ? undefined : { id, username: name };
  }

  /** The bcrypt hash of the password; undefined when there is no such user, or one without a password. */
  async passwordHash(id: UserId): Promise<string | undefined> {
    return (await orMissing(this.#redis.hget(keys.user(id), 'password'), null)) ?? undefined;
  }

  /**
   * Replaces the hash of a user's password.
   *
   * @param from the hash that the old password was checked against
   * @returns false when it is another one by now, and nothing was changed.
   */
  async changePasswordHash(id: UserId, from: string, to: string): Promise<boolean> {
    return (await orMissing(passwordSet(this.#redis, [keys.user(id), from, to]), 0)) === 1;
  }

  /** The names of these users in one round trip; those who do not exist are left out. */
  async names(ids: readonly UserId[]): Promise<Map<UserId, string>> {
    const found = new Map<UserId, string>();
    if (ids.length === 0) return found;
    const pipeline = this.#redis.pipeline();
    for (const id of ids) pipeline.hget(keys.user(id), 'username');
    const replies = (await pipeline.exec()) ?? [];
    for (const [index, [error, username]] of replies.entries()) {
      if (error && !isWrongType(error)) throw error;
      if (typeof username === 'string') found.set(ids[index]!, username);
    }
    return found;
  }
}

/** `user:{id}`; some foreign servers write the bare id, as the tutorial's text has it. */
function idOfKey(key: string): UserId | undefined {
  return parseUserId(key.replace(/^user:/, ''));
}
