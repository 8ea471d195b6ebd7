import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';

/** How long answers are kept, in seconds: a replica that stood still may give its own late. */
const KEEP_SECONDS = 60;
/**
 * How often it is looked for answers, and the time between two looks in milliseconds: a second, not by the clock, as
 * this process may have slept through it while the answers came.
 */
const LOOKS = 50;
const LOOK_MS = 20;

/** What the replicas said. */
export interface Answers {
  /** Connections that they closed. */
  closed: number;
  /** Replicas that said nothing in time: they look for ended sessions by themselves every SESSION_CHECK_MS. */
  unanswered: number;
}

/** How many connections each replica closed for a revocation. */
export class RevocationAnswers {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Says what a replica did. */
  async answer(request: string, serverId: string, closed: number): Promise<void> {
    const key = keys.revocation(request);
    await this.#redis.multi().hset(key, serverId, closed).expire(key, KEEP_SECONDS).exec();
  }

  /** Waits for all replicas that live, about a second at most. Never throws: the sessions are ended whoever answers. */
  async collect(request: string): Promise<Answers> {
    let waiting: string[] = [];
    let answers: Record<string, string> = {};
    try {
      const servers = await this.#living();
      waiting = servers;
      for (let look = 1; ; look++) {
        answers = await this.#redis.hgetall(keys.revocation(request));
        waiting = servers.filter((server) => answers[server] === undefined);
        if (waiting.length === 0 || look === LOOKS) break;
        await sleep(LOOK_MS);
      }
    } catch {
      // Redis went away after it had taken the revocation.
    }
    const closed = Object.values(answers).reduce((sum, count) => sum + (Number(count) || 0), 0);
    return { closed, unanswered: waiting.length };
  }

  /** The servers whose lease has not run out. */
  async #living(): Promise<string[]> {
    const [[seconds], leases] = await Promise.all([
      this.#redis.time(),
      this.#redis.zrange(keys.servers, '0', '-1', 'WITHSCORES'),
    ]);
    const living: string[] = [];
    for (let index = 0; index < leases.length; index += 2) {
      if (Number(leases[index + 1]) > Number(seconds)) living.push(leases[index]!);
    }
    return living;
  }
}
