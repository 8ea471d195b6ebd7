import type { Latency } from '../generator.ts';

const SUB = 64;

/** Microseconds in buckets of at most 1.6 % width. */
export class Histogram {
  readonly #buckets = new Float64Array(40 * SUB);
  #count = 0;
  #max = 0;

  record(microseconds: number): void {
    let bucket = microseconds;
    if (bucket >= SUB) {
      const shift = Math.floor(Math.log2(microseconds)) - 6;
      bucket = (shift + 1) * SUB + Math.floor(microseconds / 2 ** shift) - SUB;
    }
    this.#buckets[Math.min(bucket, this.#buckets.length - 1)]!++;
    this.#count++;
    if (microseconds > this.#max) this.#max = microseconds;
  }

  /** In milliseconds. */
  summary(): Latency {
    const [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map((q) => this.#percentile(q));
    return { count: this.#count, p50: p50!, p90: p90!, p99: p99!, p999: p999!, max: this.#max / 1000 };
  }

  #percentile(q: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.floor(q * this.#count);
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen <= rank) continue;
      if (bucket < SUB) return bucket / 1000;
      const shift = Math.floor(bucket / SUB) - 1;
      return (((bucket % SUB) + SUB) * 2 ** shift + 2 ** shift / 2) / 1000;
    }
    return this.#max / 1000;
  }
}
