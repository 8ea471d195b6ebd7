import { hash, randomBytes } from 'node:crypto';
import { CHANNEL, encodeEnvelope, parseUserId, type User } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';

const DAY_SECONDS = 86_400;

interface SessionsOptions {
  /** How long a session lives without use. */
  ttlSeconds: number;
  /** Who says that a session was revoked. */
  serverId: string;
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

  constructor(redis: Redis, { ttlSeconds, serverId }: SessionsOptions) {
    this.#redis = redis;
    this.#ttlSeconds = ttlSeconds;
    // A use renews the session, but not more than once a day, so that a request does not write.
    this.#renewBelow = ttlSeconds - Math.min(DAY_SECONDS, ttlSeconds / 4);
    this.#serverId = serverId;
  }

  /** Logs a user in. The token (256 random bits, base64url) is for the client alone. */
  async create(user: User): Promise<{ token: string; hash: string }> {
    const token = randomBytes(32).toString('base64url');
    const hash = hashToken(token);
    const key = keys.session(hash);
    const fields = { userId: user.id, username: user.username, createdAt: Math.floor(Date.now() / 1000) };
    const replies = await this.#redis.multi().hset(key, fields).expire(key, this.#ttlSeconds).exec();
    firstError(replies);
    return { token, hash };
  }

  /** The session of a token, in one round trip; undefined when it is forged, expired or revoked. */
  async find(token: string): Promise<{ hash: string; user: User } | undefined> {
    const hash = hashToken(token);
    const key = keys.session(hash);
    // Side by side and not as a pipeline object, which costs ioredis as much as two more commands.
    const [fields, ttl] = await Promise.all([
      this.#redis.hmget(key, 'userId', 'username'),
      this.#redis.ttl(key),
    ]);
    const id = parseUserId(fields[0]);
    const username = fields[1];
    if (id === undefined || username == null) return undefined;
    if (ttl < this.#renewBelow) await this.#redis.expire(key, this.#ttlSeconds);
    return { hash, user: { id, username } };
  }

  /** Ends a session and tells every replica, which closes the session's sockets. */
  async revoke(hash: string): Promise<void> {
    const envelope = encodeEnvelope(this.#serverId, 'session.revoked', { session: hash });
    firstError(await this.#redis.multi().del(keys.session(hash)).publish(CHANNEL, envelope).exec());
  }

  /** Which of these sessions are still there, in the order of the hashes, in one round trip. */
  async exists(hashes: readonly string[]): Promise<boolean[]> {
    if (hashes.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const hash of hashes) pipeline.exists(keys.session(hash));
    const replies = await pipeline.exec();
    firstError(replies);
    return replies!.map(([, count]) => count === 1);
  }
}

/** @throws the first error of a pipeline, which resolves whatever became of its commands. */
function firstError(replies: [error: Error | null, result: unknown][] | null): void {
  const failed = replies?.find(([error]) => error !== null);
  if (failed) throw failed[0];
}
