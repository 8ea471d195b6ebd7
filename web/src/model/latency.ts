/** The last samples of a latency in milliseconds, and what they say. */
export class Latency {
  readonly samples: number[] = [];
  readonly #limit: number;

  constructor(limit = 100) {
    this.#limit = limit;
  }

  add(ms: number): void {
    this.samples.push(ms);
    if (this.samples.length > this.#limit) this.samples.shift();
  }

  /** Milliseconds, undefined while there is no sample. */
  percentile(share: number): number | undefined {
    return percentile(this.samples, share);
  }
}

/** The nearest-rank percentile: the smallest sample that `share` (0 to 1) of all samples do not exceed. */
export function percentile(samples: readonly number[], share: number): number | undefined {
  if (samples.length === 0) return undefined;
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1];
}

/** Milliseconds, or seconds from 1,000 on, in at most three figures. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms >= 999.5) return `${(ms / 1000).toFixed(ms < 99_950 ? 1 : 0)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** The points of an SVG polyline that shows the samples from left to right in a box of this size. */
export function sparkline(samples: readonly number[], width: number, height: number, slots: number): string {
  const shown = samples.slice(-slots);
  const top = Math.max(1, ...shown);
  const step = width / (slots - 1);
  const left = width - step * (shown.length - 1);
  return shown
    .map((ms, index) => `${round(left + index * step)},${round(height - (ms / top) * height)}`)
    .join(' ');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
