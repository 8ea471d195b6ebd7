import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { config } from './config.ts';
import { Histogram } from './histogram.ts';
import { COUNTED, type Counted, TIMED, type Timed } from './metrics.ts';
import { timelineLine } from './timeline-line.ts';

const FLUSH_MS = 1000;
/** One frame in so many is looked at for the lag of k6. */
const LAG_SAMPLE = 16;

const counters = Object.fromEntries(COUNTED.map((name) => [name, new Counter(`chat_${name}`)])) as Record<
  Counted,
  Counter
>;

const trends = Object.fromEntries(
  Object.entries(TIMED).map(([name, metric]) => [name, new Trend(metric, true)]),
) as Record<Timed, Trend>;

/** Gathers what one VU counts and times, and hands it to k6 once a second: a k6 counter costs more than the message. */
export class Meter {
  /** Sockets that are open now. */
  sockets = 0;
  readonly #counts = new Map<Counted, number>();
  readonly #histograms = new Map<Timed, Histogram>();
  readonly #timer: ReturnType<typeof setInterval>;
  #frames = 0;

  constructor() {
    // With nothing to count, a threshold on a counter would have nothing to judge.
    for (const name of COUNTED) this.#counts.set(name, 0);
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
  }

  count(name: Counted, times = 1): void {
    this.#counts.set(name, this.#counts.get(name)! + times);
  }

  time(name: Timed, ms: number): void {
    trends[name].add(ms);
    if (!config.timeline) return;
    let histogram = this.#histograms.get(name);
    if (!histogram) {
      histogram = new Histogram();
      this.#histograms.set(name, histogram);
    }
    histogram.add(ms);
  }

  /**
   * A message was delivered to the script; the bursts of frames around connecting and the end are left out.
   *
   * @param arrivedAt when k6 read the frame
   */
  frame(arrivedAt: number): void {
    if (this.#frames++ % LAG_SAMPLE === 0) this.time('lag', Math.max(0, Date.now() - arrivedAt));
  }

  /** Hands over the rest. Without it the VU's iteration would not end. */
  close(): void {
    clearInterval(this.#timer);
    this.#flush();
    for (const name of COUNTED) counters[name].add(0);
  }

  #flush(): void {
    if (config.timeline) this.#print();
    for (const [name, count] of this.#counts) {
      if (count === 0) continue;
      counters[name].add(count);
      this.#counts.set(name, 0);
    }
    this.#histograms.clear();
  }

  #print(): void {
    const { sockets } = this;
    console.log(
      timelineLine({
        at: Date.now(),
        vu: exec.vu.idInTest,
        sockets,
        counts: this.#counts,
        times: this.#histograms,
      }),
    );
  }
}
