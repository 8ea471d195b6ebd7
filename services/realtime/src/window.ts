import { performance } from 'node:perf_hooks';
import { turn } from './turn.ts';

/**
 * Coalesces a room's frames at the leading edge: the first after a quiet time leaves at once, with all others of its
 * turn of the event loop; what follows within the window leaves together at its end. A socket then costs at most one
 * system call a window, whatever the room says, and a quiet room waits for nothing.
 */
export class Window<T> {
  readonly #lengthMs: number;
  readonly #publish: (item: T) => void;
  #waiting: T[] = [];
  #endsAt = 0;
  #leadTurn = -1;
  #timer: NodeJS.Timeout | undefined;

  /** @param lengthMs 0 publishes everything at once. */
  constructor(lengthMs: number, publish: (item: T) => void) {
    this.#lengthMs = lengthMs;
    this.#publish = publish;
  }

  push(item: T): void {
    if (this.#timer !== undefined) {
      this.#waiting.push(item);
      return;
    }
    const thisTurn = turn();
    if (this.#lengthMs === 0 || this.#leadTurn === thisTurn) {
      this.#publish(item);
      return;
    }
    const now = performance.now();
    if (now < this.#endsAt) {
      this.#waiting.push(item);
      this.#timer = setTimeout(() => this.flush(), this.#endsAt - now);
      return;
    }
    this.#endsAt = now + this.#lengthMs;
    this.#leadTurn = thisTurn;
    this.#publish(item);
  }

  /** Publishes what waits, in one turn: no await between the frames of a batch. */
  flush(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = this.#waiting;
    this.#waiting = [];
    this.#endsAt = performance.now() + this.#lengthMs;
    this.#leadTurn = turn();
    for (const item of items) this.#publish(item);
  }
}
