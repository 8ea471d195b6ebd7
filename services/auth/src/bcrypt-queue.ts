import { AppError } from '@chat/kit';

interface BcryptQueueOptions {
  /** Jobs at the same time. */
  concurrency: number;
  /** Jobs that may wait for their turn. */
  limit: number;
  /** Told the seconds that a job took, without its wait. */
  onDone?: (seconds: number) => void;
}

/** Bounds the work with passwords: a flood of logins is refused early rather than piling up. */
export class BcryptQueue {
  readonly #concurrency: number;
  readonly #limit: number;
  readonly #onDone: (seconds: number) => void;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** A moving average, for the answer when to come again. */
  #seconds = 0.1;

  constructor({ concurrency, limit, onDone = () => undefined }: BcryptQueueOptions) {
    this.#concurrency = concurrency;
    this.#limit = limit;
    this.#onDone = onDone;
  }

  /** Jobs that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /** @throws AppError busy when too many wait already. */
  async run<T>(job: () => Promise<T>): Promise<T> {
    await this.#turn();
    const start = performance.now();
    try {
      return await job();
    } finally {
      const seconds = (performance.now() - start) / 1000;
      this.#seconds += (seconds - this.#seconds) / 8;
      this.#onDone(seconds);
      this.#passOn();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < this.#concurrency) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#limit) {
      throw new AppError('busy', undefined, { retryAfterMs: this.#drainMs() });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The turn goes straight to the one who waits longest, so that nobody else can take it in between. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }

  /** When about half of those who wait will be served; at least a second. */
  #drainMs(): number {
    return Math.max(1000, Math.round((this.#waiting.length / 2 / this.#concurrency) * this.#seconds * 1000));
  }
}
