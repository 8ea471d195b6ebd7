import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { keys } from './keys.ts';

interface RateLimitOptions {
  /** What is limited; a part of the key. */
  name: string;
  /** How often within a window, which starts with its first time. */
  points: number;
  windowSeconds: number;
  /** false lifts the limit. */
  enabled: boolean;
}

/** Limits how often something is done, over all processes. */
export class RateLimit {
  readonly #limiter: RateLimiterRedis;
  readonly #enabled: boolean;

  constructor(redis: Redis, { name, points, windowSeconds, enabled }: RateLimitOptions) {
    this.#limiter = new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `${keys.rateLimits}:${name}`,
      points,
      duration: windowSeconds,
    });
    this.#enabled = enabled;
  }

  /**
   * Counts one time.
   *
   * @param who does it: an address, or a user's id
   * @returns milliseconds to wait when it was too often, 0 when it may go on.
   * @throws ioredis' errors: without Redis nothing may go on.
   */
  async take(who: string | number): Promise<number> {
    return this.#enabled ? consume(this.#limiter, String(who)) : 0;
  }
}

/** @returns milliseconds to wait, 0 when there was a point. */
export async function consume(limiter: RateLimiterRedis, key: string): Promise<number> {
  try {
    await limiter.consume(key);
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext);
    throw refusal;
  }
}
