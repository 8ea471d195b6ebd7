/** Tokens left, and when they were counted (milliseconds); both 0 before the first use. */
export interface Tokens {
  tokens: number;
  tokensAt: number;
}

/**
 * Limits how often something is done: `burst` times at once, then `rate` times a second. The tokens stand in whoever
 * does it, so that they are shared by what shares them and nothing needs a timer.
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
   * @param now milliseconds, above 0
   * @returns 0 when there was one, else the milliseconds until there is.
   */
  take(holder: Tokens, now: number): number {
    if (this.#rate === 0) return 0;
    this.#refill(holder, now);
    if (holder.tokens < 1) return this.#msUntil(1 - holder.tokens);
    holder.tokens--;
    return 0;
  }

  /**
   * Takes tokens whether they are there or not, so that who does not slow down gets ever deeper into debt.
   *
   * @returns 0 when they were there, else the milliseconds until the debt is paid; infinite when it is a whole burst.
   */
  charge(holder: Tokens, now: number, cost: number): number {
    if (this.#rate === 0) return 0;
    this.#refill(holder, now);
    holder.tokens -= cost;
    if (holder.tokens >= 0) return 0;
    return holder.tokens < -this.#burst ? Number.POSITIVE_INFINITY : this.#msUntil(-holder.tokens);
  }

  /** True when all tokens are there again: the holder can be forgotten. */
  isFull(holder: Tokens, now: number): boolean {
    return this.#count(holder, now) >= this.#burst;
  }

  #refill(holder: Tokens, now: number): void {
    holder.tokens = this.#count(holder, now);
    holder.tokensAt = now;
  }

  #count({ tokens, tokensAt }: Tokens, now: number): number {
    if (tokensAt === 0) return this.#burst;
    return Math.min(this.#burst, tokens + ((now - tokensAt) / 1000) * this.#rate);
  }

  #msUntil(missing: number): number {
    return Math.ceil((missing / this.#rate) * 1000);
  }
}
