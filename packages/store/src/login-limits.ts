import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { keys } from './keys.ts';
import { consume } from './rate-limit.ts';

interface LoginLimitsOptions {
  /** Attempts for one name within the window. */
  perName: number;
  /** Failed attempts from one address within the window; more, as many people may share an address. */
  perAddress: number;
  /** A window starts with its first attempt. */
  windowSeconds: number;
  /** false lifts the limits. */
  enabled: boolean;
}

/** Limits how often passwords can be guessed, over all replicas. */
export class LoginLimits {
  readonly #name: RateLimiterRedis;
  readonly #address: RateLimiterRedis;
  readonly #enabled: boolean;

  constructor(redis: Redis, { perName, perAddress, windowSeconds, enabled }: LoginLimitsOptions) {
    const shared = { storeClient: redis, duration: windowSeconds };
    this.#name = new RateLimiterRedis({
      ...shared,
      points: perName,
      keyPrefix: `${keys.loginAttempts}:name`,
    });
    this.#address = new RateLimiterRedis({
      ...shared,
      points: perAddress,
      keyPrefix: `${keys.loginAttempts}:address`,
    });
    this.#enabled = enabled;
  }

  /**
   * Counts an attempt before its password is looked at, so that attempts at the same time count as well.
   *
   * @param name whose password it is; left out where no password can be guessed
   * @returns milliseconds to wait when there were too many, 0 when it may go on.
   * @throws ioredis' errors: without Redis nothing may go on.
   */
  async attempt(address: string, name?: string): Promise<number> {
    if (!this.#enabled) return 0;
    const waits = await Promise.all([
      consume(this.#address, address),
      name === undefined ? 0 : consume(this.#name, name),
    ]);
    return Math.max(...waits);
  }

  /** After a success the name starts anew and the address gets its attempt back. */
  async succeeded(address: string, name?: string): Promise<void> {
    if (!this.#enabled) return;
    await Promise.all([
      this.#address.reward(address),
      name === undefined ? undefined : this.#name.delete(name),
    ]);
  }
}
