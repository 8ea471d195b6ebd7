/**
 * Redis' clock as its last answer told it: dates are given by that clock, so none of this machine may say which of them
 * lie ahead of time.
 */
export class RedisClock {
  /** Seconds by which Redis' clock is ahead of performance.now(). */
  #offset = 0;

  /** @param now seconds, as Redis answered just now */
  heard(now: number): void {
    this.#offset = now - performance.now() / 1000;
  }

  /** Seconds, behind by the time that the last answer was under way. */
  now(): number {
    return performance.now() / 1000 + this.#offset;
  }
}
