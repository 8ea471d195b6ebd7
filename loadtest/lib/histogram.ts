/**
 * A histogram of milliseconds in buckets that each reach 9 % further than the one before, from 0.1 ms on: a quantile
 * read from it is at most so much too high, whatever the range.
 */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(ms: number, count = 1): void {
    const bucket = bucketOf(ms);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#total += count;
  }

  merge(other: Histogram): void {
    for (const [bucket, count] of other.#counts) {
      this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    }
    this.#total += other.#total;
  }

  copy(): Histogram {
    const copy = new Histogram();
    copy.merge(this);
    return copy;
  }

  /** Milliseconds that the share `q` (0 to 1) of all values does not exceed; undefined when there are none. */
  quantile(q: number): number | undefined {
    if (this.#total === 0) return undefined;
    const rank = Math.max(1, Math.ceil(q * this.#total));
    let seen = 0;
    for (const [bucket, count] of this.buckets()) {
      seen += count;
      if (seen >= rank) return upperBound(bucket);
    }
    return undefined;
  }

  /** Bucket number and count, ascending. */
  buckets(): [bucket: number, count: number][] {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }

  /** `bucket:count` with commas between, for one line of text. */
  toString(): string {
    return this.buckets()
      .map(([bucket, count]) => `${bucket}:${count}`)
      .join(',');
  }

  /** Reads what toString wrote; what is none of that is left out. */
  static parse(text: string): Histogram {
    const histogram = new Histogram();
    for (const [, bucket, count] of text.matchAll(/(\d+):(\d+)/g)) {
      histogram.#counts.set(Number(bucket), Number(count));
      histogram.#total += Number(count);
    }
    return histogram;
  }
}

const FIRST_MS = 0.1;
const BUCKETS_PER_DOUBLING = 8;

function bucketOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  return Math.ceil(BUCKETS_PER_DOUBLING * Math.log2(ms / FIRST_MS) - 1e-9);
}

/** The highest value of a bucket, in milliseconds. */
export function upperBound(bucket: number): number {
  return FIRST_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
}
