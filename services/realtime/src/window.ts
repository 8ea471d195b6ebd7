import { turn } from './turn.ts';

/** The shortest window, as a share of the longest: that after a single item. */
const SHORTEST = 0.4;
/** Items that leave together from which on the window after them is the longest. */
const BUSY = 4;

/**
 * Coalesces a room's frames at the leading edge: the first after a quiet time leaves at once, with all others of its
 * turn of the event loop; what follows within the window leaves together at its end. A quiet room waits for nothing,
 * one with some messages now and then waits briefly, as it would gather little; in a busy one a socket costs one
 * system call each `longestMs`, whatever the room says.
 */
export class Window<T> {
  readonly #longestMs: number;
  readonly #publish: (item: T) => void;
  #waiting: T[] = [];
  #startedAt = Number.NEGATIVE_INFINITY;
  /** What left at the start of this window. */
  #left = 0;
  #leadTurn = -1;
  #timer: NodeJS.Timeout | undefined;

  /** @param longestMs 0 publishes everything at once. */
  constructor(longestMs: number, publish: (item: T) => void) {
    this.#longestMs = longestMs;
    this.#publish = publish;
  }

  /** True while something waits. */
  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  push(item: T): void {
    if (this.#timer !== undefined) {
      this.#waiting.push(item);
      return;
    }
    const thisTurn = turn();
    if (this.#longestMs === 0 || this.#leadTurn === thisTurn) {
      this.#left++;
      this.#publish(item);
      return;
    }
    const now = performance.now();
    const endsAt = this.#startedAt + this.#length();
    if (now < endsAt) {
      this.#waiting.push(item);
      this.#timer = setTimeout(() => this.flush(), endsAt - now);
      return;
    }
    this.#startedAt = now;
    this.#left = 1;
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
    this.#startedAt = performance.now();
    this.#left = items.length;
    this.#leadTurn = turn();
    for (const item of items) this.#publish(item);
  }

  /** How long this window is, in milliseconds, by what left at its start. */
  #length(): number {
    const busy = Math.min(1, (this.#left - 1) / (BUSY - 1));
    return this.#longestMs * (SHORTEST + (1 - SHORTEST) * busy);
  }
}
