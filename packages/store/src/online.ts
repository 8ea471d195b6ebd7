import { parseUserId, type UserId } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { orMissing } from './wrong-type.ts';

/** Reads who is online anywhere in the cluster; Presence and foreign servers write it. */
export class OnlineUsers {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Those of the given users who are online. */
  async among(ids: readonly UserId[]): Promise<Set<UserId>> {
    if (ids.length === 0) return new Set();
    const flags = await orMissing(this.#redis.smismember(keys.onlineUsers, ...ids), []);
    return new Set(ids.filter((_, index) => flags[index] === 1));
  }

  /** At most `limit` of those online, by chance when there are more, and how many there are. */
  async some(limit: number): Promise<{ ids: UserId[]; total: number }> {
    const [members, total] = await Promise.all([
      orMissing(this.#redis.srandmember(keys.onlineUsers, limit), []),
      orMissing(this.#redis.scard(keys.onlineUsers), 0),
    ]);
    const ids = members.map(parseUserId).filter((id) => id !== undefined);
    return { ids: ids.sort((a, b) => a - b), total };
  }
}
