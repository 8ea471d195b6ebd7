import type { LocalUser } from './local-user.ts';

/**
 * Limits a user's messages: `burst` at once, then `rate` a second. The tokens stand in the user, so that tabs share
 * them and nothing needs a timer.
 */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;

  /** @param rate tokens a second; 0 lifts the limit */
  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
  }

  /**
   * Takes a token.
   *
   * @param now milliseconds
   * @returns 0 when there was one, else the milliseconds until there is.
   */
  take(user: LocalUser, now: number): number {
    if (this.#rate === 0) return 0;
    if (user.tokensAt === 0) user.tokens = this.#burst;
    else user.tokens = Math.min(this.#burst, user.tokens + ((now - user.tokensAt) / 1000) * this.#rate);
    user.tokensAt = now;
    if (user.tokens < 1) return Math.ceil(((1 - user.tokens) / this.#rate) * 1000);
    user.tokens--;
    return 0;
  }
}
