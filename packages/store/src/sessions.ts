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
const sessionFind = loadScript('session-find');

interface SessionsOptions {
  /** How long a session lives without use. */
  ttlSeconds: number;
  /** Who says that a session was revoked. */
  serverId: string;
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
  readonly #answers: RevocationAnswers;
  readonly #stored: (hash: string) => Promise<StoredSession>;

  constructor(redis: Redis, { ttlSeconds, serverId, schedule }: SessionsOptions) {
    this.#redis = redis;
    this.#ttlSeconds = ttlSeconds;
    // A use renews the session, but not more than once a day, so that a request does not write.
    this.#renewBelow = ttlSeconds - Math.min(DAY_SECONDS, ttlSeconds / 4);
    this.#serverId = serverId;
    this.#answers = new RevocationAnswers(redis);
    this.#stored = batched((hashes) => this.#load(hashes), schedule);
  }

  /** Logs a user in. The token (256 random bits, base64url) is for the client alone. */
  async create(user: User): Promise<{ token: string; hash: string }> {
    const token = randomBytes(32).toString('base64url');
    const hash = hashToken(token);
    const fields = { userId: user.id, username: user.username, createdAt: Math.floor(Date.now() / 1000) };
    const writes = this.#redis.multi().hset(keys.session(hash), fields);
    firstError(await this.#renew(writes, hash, user.id).exec());
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
  revoke({ hash, user }: Session): Promise<Revoked> {
    return this.#revoke(user.id, [hash], { session: hash });
  }

  /**
   * Ends all sessions of a user, and closes the user's sockets everywhere.
   *
   * @param except the hash of a session that stays, with its sockets
   */
  async revokeAll(userId: UserId, except?: string): Promise<Revoked> {
    const hashes = await this.#redis.zrange(keys.userSessions(userId), '0', '-1');
    const ended = hashes.filter((hash) => hash !== except);
    return this.#revoke(userId, ended, { userId, except });
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
    const now = Math.floor(Date.now() / 1000);
    const index = keys.userSessions(userId);
    // By this clock, not by Redis': a day is left for the difference.
    return writes
      .expire(keys.session(hash), this.#ttlSeconds)
      .zadd(index, now + this.#ttlSeconds, hash)
      .zremrangebyscore(index, '-inf', now - DAY_SECONDS)
      .expire(index, this.#ttlSeconds + DAY_SECONDS);
  }

  async #revoke(userId: UserId, hashes: readonly string[], whose: object): Promise<Revoked> {
    const request = randomUUID();
    const writes = this.#redis.multi();
    for (const hash of hashes) writes.del(keys.session(hash)).zrem(keys.userSessions(userId), hash);
    // Sessions go first: whoever looks after the event finds none.
    const data = { ...whose, request };
    writes.publish(CLUSTER_CHANNEL, encodeEnvelope(this.#serverId, 'session.revoked', data));
    const replies = await writes.exec();
    firstError(replies);
    const deleted = replies!.filter(
      ([, count], index) => index < 2 * hashes.length && index % 2 === 0 && count === 1,
    );
    return { sessions: deleted.length, ...(await this.#answers.collect(request)) };
  }
}

/** @throws the first error of a pipeline, which resolves whatever became of its commands. */
function firstError(replies: [error: Error | null, result: unknown][] | null): void {
  const failed = replies?.find(([error]) => error !== null);
  if (failed) throw failed[0];
}
