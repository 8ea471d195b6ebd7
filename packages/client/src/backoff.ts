export interface BackoffOptions {
  /** Upper bound of the first delay, in milliseconds; it doubles at every further attempt. */
  minMs: number;
  /** Upper bound of every delay, in milliseconds. */
  maxMs: number;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  random: () => number;
}

/**
 * Exponential back-off with full jitter: each delay is drawn evenly from 0 to its bound, which spreads clients that
 * lost their server at the same moment.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { minMs, maxMs, random } = this.#options;
    const bound = Math.min(maxMs, minMs * 2 ** this.#attempt);
    if (bound < maxMs) this.#attempt++;
    return random() * bound;
  }

  /** Milliseconds to wait when the server said that it is too much: from half the longest delay to all of it. */
  long(): number {
    const { maxMs, random } = this.#options;
    return (maxMs * (1 + random())) / 2;
  }

  reset(): void {
    this.#attempt = 0;
  }
}
