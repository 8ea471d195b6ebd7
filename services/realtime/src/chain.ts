/** A message on its way to the sockets of a room. */
export interface Incoming {
  date: number;
  /** The date before it; undefined for a message that a foreign server wrote. */
  prev: number | undefined;
  /** The frame as clients get it. */
  frame: Uint8Array | string;
  /** Who and what, to tell one foreign message from another of the same second. */
  identity?: string;
}

export type Verdict = 'deliver' | 'duplicate' | 'hold';

/** How long a foreign message is remembered, in milliseconds: longer than relays lag behind each other. */
const FOREIGN_MEMORY_MS = 5000;
/** Foreign messages remembered per room at most. */
const FOREIGN_MEMORY = 1000;
/** Chained messages remembered since the first of them at most. */
const DATE_MEMORY = 20_000;

/**
 * The order of one room as its messages link it: each carries the date of the one before. Says of each message
 * whether it is the next one, was there already, or comes after something that is missing.
 */
export class Chain {
  #last = 0;
  /** The last date that is surely in Redis: that of a message of this cluster, or of the start. */
  #chained = 0;
  readonly #onLost: (from: number, to: number) => void;
  readonly #held: Incoming[] = [];
  /** Set for a while after a foreign message. */
  #foreign: ForeignMemory | undefined;

  /** @param onLost told when the chain goes on from before what it has: what came between two dates was lost */
  constructor(onLost: (from: number, to: number) => void = () => undefined) {
    this.#onLost = onLost;
  }

  /** The date that the next message follows. */
  get last(): number {
    return this.#last;
  }

  /** A date that Redis had: when its last one is earlier, it lost messages. */
  get chained(): number {
    return this.#chained;
  }

  get held(): number {
    return this.#held.length;
  }

  /** The date of the first held message, infinite when there is none. */
  get firstHeld(): number {
    return this.#held[0]?.date ?? Number.POSITIVE_INFINITY;
  }

  /** The date of the last held message, 0 when there is none. */
  get lastHeld(): number {
    return this.#held.at(-1)?.date ?? 0;
  }

  /** Starts after a date. */
  startAfter(date: number): void {
    this.#last = date;
    this.#chained = date;
  }

  /** Goes on from an earlier date, the last one that Redis still has. */
  rewind(date: number): void {
    this.#onLost(date, this.#chained);
    this.startAfter(date);
  }

  /** @param maxDate dates beyond it are a foreign server's mistake: delivered, and not chained to. */
  judge(message: Incoming, now: number, maxDate: number): Verdict {
    this.#forgetForeign(now);
    if (message.prev === undefined) return this.#judgeForeign(message, now, maxDate);
    if (message.prev === this.#last) return this.#next(message);
    if (message.date > this.#last) {
      // It follows what was delivered before others: nothing is missing in between, but they are gone.
      if (message.prev < this.#chained) return this.#next(message);
      this.#hold(message);
      return 'hold';
    }
    // A foreign clock that is ahead advanced the chain past messages that were still on their way.
    if (this.#foreign?.missed(message.date)) return 'deliver';
    return 'duplicate';
  }

  /** The held message that can be delivered now, if any; those that came by another way are dropped. */
  takeNext(): Incoming | undefined {
    for (;;) {
      const first = this.#held[0];
      if (first === undefined || (first.date > this.#last && first.prev !== this.#last)) return undefined;
      this.#held.shift();
      if (first.date > this.#last) {
        this.#next(first);
        return first;
      }
    }
  }

  /** The first held message whatever is missing before it: what Redis does not have any more will not come. */
  takeAnyway(): Incoming | undefined {
    const first = this.#held.shift();
    if (first) this.#next(first);
    return first;
  }

  /** Takes a message read from the room itself; false when it was delivered already. */
  takeStored(message: Incoming, now: number): boolean {
    if (message.date <= this.#last) return false;
    if (message.prev === undefined && message.identity !== undefined) {
      this.#foreign ??= new ForeignMemory(this.#last, now);
      this.#foreign.remember(message.identity, now);
    }
    this.#next(message);
    return true;
  }

  #next(message: Incoming): 'deliver' {
    this.#last = message.date;
    if (message.prev !== undefined) {
      if (message.prev < this.#chained) this.#onLost(message.prev, this.#chained);
      this.#chained = message.date;
    }
    if (this.#foreign && !this.#foreign.delivered(message.date)) this.#foreign = undefined;
    return 'deliver';
  }

  #hold(message: Incoming): void {
    let index = this.#held.length;
    while (index > 0 && this.#held[index - 1]!.date > message.date) index--;
    if (this.#held[index - 1]?.date === message.date) return;
    this.#held.splice(index, 0, message);
  }

  #judgeForeign(message: Incoming, now: number, maxDate: number): Verdict {
    this.#foreign ??= new ForeignMemory(this.#last, now);
    if (message.identity !== undefined && !this.#foreign.remember(message.identity, now)) return 'duplicate';
    if (message.date > this.#last && message.date <= maxDate) this.#next(message);
    return 'deliver';
  }

  #forgetForeign(now: number): void {
    if (this.#foreign && now > this.#foreign.until) this.#foreign = undefined;
  }
}

/** What was delivered around foreign messages, whose dates say nothing of their order. */
class ForeignMemory {
  readonly #floor: number;
  /** Dates of chained messages delivered since. */
  readonly #dates = new Set<number>();
  readonly #identities = new Set<string>();
  until: number;

  constructor(floor: number, now: number) {
    this.#floor = floor;
    this.until = now + FOREIGN_MEMORY_MS;
  }

  /** False when it is known already. */
  remember(identity: string, now: number): boolean {
    this.until = now + FOREIGN_MEMORY_MS;
    if (this.#identities.has(identity)) return false;
    if (this.#identities.size >= FOREIGN_MEMORY) this.#identities.clear();
    this.#identities.add(identity);
    return true;
  }

  /** Notes a chained message; false when there is no more room for notes. */
  delivered(date: number): boolean {
    this.#dates.add(date);
    return this.#dates.size < DATE_MEMORY;
  }

  /** True for a chained message since the first foreign one that was not delivered; it counts as delivered then. */
  missed(date: number): boolean {
    if (date <= this.#floor || this.#dates.has(date)) return false;
    this.#dates.add(date);
    return true;
  }
}
