import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Reads something at most once in an interval, for all who ask meanwhile. Who asks within the interval waits for the
 * next reading, so nobody gets anything older than the question.
 */
export class PacedRead<T> {
  readonly #read: () => Promise<T>;
  readonly #intervalMs: number;
  #readAt = Number.NEGATIVE_INFINITY;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>, intervalMs: number) {
    this.#read = read;
    this.#intervalMs = intervalMs;
  }

  get(): Promise<T> {
    this.#next ??= this.#wait();
    return this.#next;
  }

  async #wait(): Promise<T> {
    await sleep(Math.max(0, this.#readAt + this.#intervalMs - performance.now()));
    this.#readAt = performance.now();
    // Who asks from here on may know of a change that this reading lacks.
    this.#next = undefined;
    return this.#read();
  }
}
