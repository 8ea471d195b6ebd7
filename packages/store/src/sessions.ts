import { hash, randomBytes, randomUUID } from 'node:crypto';
import { CLUSTER_CHANNEL, encodeEnvelope, parseUserId, type User, type UserId } from '@chat/protocol';
import type { ChainableCommander, Redis } from 'ioredis';
import { batched, type Schedule } from './batch.ts';
import { keys } from './keys.ts';
import { type Answers, RevocationAnswers } from './revocation-answers.ts';
import { loadScript } from './scripts.ts';

const DAY_SECONDS = 86_400;
/** What TTL says of a key that is not there. */
const GONE = -2;
/** Sessions that are ended in one go; a user may have any number from before there was a limit. */
const CHUNK = 500;
const sessionFind = loadScript('session-find');

interface SessionsOptions {
  /** How long a session lives without use. */
  ttlSeconds: number;
  /** Who says that a session was revoked. */
  serverId: string;
  /** Sessions that a user may have; a login ends those beyond it that were not used for longest. Default: no limit. */
  perUser?: number;
  /** When sessions that are looked for together leave. */
  schedule?: Schedule;
}

/** As Redis has it. */
interface StoredSession {
  id: UserId | undefined;
  username: string | null;
  /** Seconds. */
  ttl: number;
}

export interface Session {
  /** SHA-256 of the token. */
  hash: string;
  user: User;
}

/** What became of a revocation. */
export interface Revoked extends Answers {
  /** Sessions that were ended. */
  sessions: number;
}

/** SHA-256 of a session's token, in hex: all that Redis knows of it. */
export function hashToken(token: string): string {
  return hash('sha256', token);
}

/** Who is logged in. Shared by all services and replicas. */
export class Sessions {
  readonly #redis: Redis;
  readonly #ttlSeconds: number;
  readonly #renewBelow: number;
  readonly #serverId: string;
  readonly #perUser: number;
  readonly #answers: RevocationAnswers;
  readonly #stored: (hash: string) => Promise<StoredSession>;

  constructor(
    redis: Redis,
    { ttlSeconds, serverId, perUser = Number.POSITIVE_INFINITY, schedule }: SessionsOptions,
  ) {
    this.#redis = redis;
    this.#ttlSeconds = ttlSeconds;
    // A use renews the session, but not more than once a day, so that a request does not write.
    this.#renewBelow = ttlSeconds - Math.min(DAY_SECONDS, ttlSeconds / 4);
    this.#serverId = serverId;
    this.#perUser = perUser;
    this.#answers = new RevocationAnswers(redis);
    this.#stored = batched((hashes) => this.#load(hashes), schedule);
  }

  /** Logs a user in. The token (256 random bits, base64url) is for the client alone. */
  async create(user: User): Promise<{ token: string; hash: string }> {
    const token = randomBytes(32).toString('base64url');
    const hash = hashToken(token);
    const fields = { userId: user.id, username: user.username, createdAt: Math.floor(Date.now() / 1000) };
    const writes = this.#redis.multi().hset(keys.session(hash), fields);
    const replies = await this.#renew(writes, hash, user.id).zcard(keys.userSessions(user.id)).exec();
    firstError(replies);
    if (Number(replies?.at(-1)?.[1]) > this.#perUser) await this.#endSurplus(user.id, hash);
    return { token, hash };
  }

  /** The session of a token, in one round trip; undefined when it is forged, expired or revoked. */
  find(token: string): Promise<Session | undefined> {
    return this.findByHash(hashToken(token));
  }

  /** The same for whoever has the token's hash already. */
  async findByHash(hash: string): Promise<Session | undefined> {
    const { id, username, ttl } = await this.#stored(hash);
    if (id === undefined || username === null) return undefined;
    if (ttl < this.#renewBelow) await this.#tryToRenew(hash, id);
    return { hash, user: { id, username } };
  }

  /** Ends a session and tells every replica, which closes the session's sockets; says how many that were. */
  async revoke({ hash, user }: Session): Promise<Revoked> {
    return this.#tell(await this.#end(user.id, [hash]), { session: hash });
  }

  /**
   * Ends all sessions of a user, and closes the user's sockets everywhere.
   *
   * @param except the hash of a session that stays, with its sockets
   */
  async revokeAll(userId: UserId, except?: string): Promise<Revoked> {
    let ended = 0;
    let hashes: string[];
    do {
      // One more than a chunk, as one may stay.
      hashes = await this.#redis.zrange(keys.userSessions(userId), '0', String(CHUNK));
      ended += await this.#end(
        userId,
        hashes.filter((hash) => hash !== except),
      );
    } while (hashes.length > CHUNK);
    return this.#tell(ended, { userId, except });
  }

  /** Which of these sessions, which are in use, are still there, in the order of the hashes, in one round trip. */
  async use(hashes: readonly string[]): Promise<boolean[]> {
    if (hashes.length === 0) return [];
    const stored = await this.#load(hashes);
    const renewals = stored.map(({ id, ttl }, index) => {
      const old = ttl >= 0 && ttl < this.#renewBelow;
      return old && id !== undefined ? this.#tryToRenew(hashes[index]!, id) : undefined;
    });
    await Promise.all(renewals);
    return stored.map(({ ttl }) => ttl !== GONE);
  }

  async #load(hashes: readonly string[]): Promise<StoredSession[]> {
    const sessions = hashes.map((hash) => keys.session(hash));
    const found = (await sessionFind(this.#redis, [sessions.length, ...sessions])) as (string | null)[];
    return hashes.map((_, index) => ({
      id: parseUserId(found[3 * index]),
      username: found[3 * index + 1]!,
      ttl: Number(found[3 * index + 2]),
    }));
  }

  /** The session is valid whether it works or not, as when Redis is full; the next use tries again. */
  async #tryToRenew(hash: string, id: UserId): Promise<void> {
    await this.#renew(this.#redis.multi(), hash, id)
      .exec()
      .catch(() => undefined);
  }

  /** Lets a session live anew, and writes down whose it is; those of the user that ran out are forgotten. */
  #renew(writes: ChainableCommander, hash: string, userId: UserId) {
    const now = Date.now() / 1000;
    const index = keys.userSessions(userId);
    // By this clock, not by Redis': a day is left for the difference.
    return writes
      .expire(keys.session(hash), this.#ttlSeconds)
      .zadd(index, now + this.#ttlSeconds, hash)
      .zremrangebyscore(index, '-inf', now - DAY_SECONDS)
      .expire(index, this.#ttlSeconds + DAY_SECONDS);
  }

  /** Ends sessions of a user beyond the limit, a chunk at most, so that no login takes long. */
  async #endSurplus(userId: UserId, except: string): Promise<void> {
    const index = keys.userSessions(userId);
    const replies = await this.#redis
      .multi()
      .zcard(index)
      .zrange(index, '0', String(CHUNK - 1))
      .exec();
    firstError(replies);
    const [count, oldest] = replies!.map(([, reply]) => reply) as [number, string[]];
    const surplus = oldest.slice(0, Math.max(0, count - this.#perUser)).filter((hash) => hash !== except);
    await this.#end(userId, surplus);
    const events = this.#redis.pipeline();
    for (const session of surplus) events.publish(CLUSTER_CHANNEL, this.#event({ session }));
    firstError(await events.exec());
  }

  /** Takes sessions of a user out of Redis. @returns how many there were */
  async #end(userId: UserId, hashes: readonly string[]): Promise<number> {
    if (hashes.length === 0) return 0;
    const writes = this.#redis.pipeline();
    for (const hash of hashes) writes.del(keys.session(hash));
    // The list goes last: what is still there can be ended again after a failure.
    const replies = await writes.zrem(keys.userSessions(userId), ...hashes).exec();
    firstError(replies);
    return replies!.slice(0, -1).reduce((sum, [, deleted]) => sum + Number(deleted), 0);
  }

  /** Tells every replica which sessions ended, and waits for what they did. Whoever looks after that finds none. */
  async #tell(sessions: number, whose: object): Promise<Revoked> {
    const request = randomUUID();
    await this.#redis.publish(CLUSTER_CHANNEL, this.#event({ ...whose, request }));
    return { sessions, ...(await this.#answers.collect(request)) };
  }

  #event(data: object): string {
    return encodeEnvelope(this.#serverId, 'session.revoked', data);
  }
}

/** @throws the first error of a pipeline, which resolves whatever became of its commands. */
function firstError(replies: [error: Error | null, result: unknown][] | null): void {
  const failed = replies?.find(([error]) => error !== null);
  if (failed) throw failed[0];
}
