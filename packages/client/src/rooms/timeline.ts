import type { Message, RoomId } from '@chat/protocol';

/** Messages of a room after `from` and up to `to` (dates, seconds) that have to be read from the history. */
export interface Gap {
  roomId: RoomId;
  from: number;
  to: number;
}

export interface TimelineSink {
  message(message: Message): void;
  gap(gap: Gap): void;
}

interface Held {
  message: Message;
  /** It came after a held message of an earlier date: nothing but that one stands between it and what is known. */
  behind: boolean;
}

/** Messages that wait for a missing one; with more than these the missing one is given up. */
const MAX_HELD = 1000;
/** Dates, and foreign messages, by which a repeated one is known: twice what a resume may bring again. */
const REMEMBERED = 1000;

/**
 * Puts the messages of one room in order. A message says which date it follows (`prev`), so a missing one is noticed:
 * what comes behind it is held until it is filled in, or given up as a gap.
 *
 * An old date alone is no sign of a repeated message: Redis goes on from an earlier one when its clock is set back, or
 * after a failover. The dates that were told are remembered instead.
 *
 * Foreign servers write no `prev`, and often whole seconds by a clock of their own. Their messages are passed on as
 * they come, also when they are late by their date; only while something is missing they wait with the others.
 */
export class Timeline {
  readonly #roomId: RoomId;
  readonly #sink: TimelineSink;
  /** The date of the chain that was told last, or that the server vouched for. */
  #last: number;
  #held: Held[] = [];
  /** The dates of the chain that were told or vouched for lately. */
  readonly #dates: number[] = [];
  readonly #foreign: Message[] = [];
  /** The gap that the server told last: its messages are in the history alone. */
  #skipped = { from: 0, to: 0 };

  /** @param last the date up to which there is nothing to be told. */
  constructor(roomId: RoomId, last: number, sink: TimelineSink) {
    this.#roomId = roomId;
    this.#sink = sink;
    this.#last = last;
    this.#dates.push(last);
  }

  /** The date up to which all is delivered. */
  get last(): number {
    return this.#last;
  }

  /** True while messages wait for a missing one. */
  get holding(): boolean {
    return this.#held.length > 0;
  }

  accept(message: Message): void {
    if (this.#isKnown(message) || this.#isHeld(message)) return;
    if (this.#mustWait(message)) {
      this.#hold(message);
      if (this.#held.length > MAX_HELD) this.giveUp();
      return;
    }
    this.#deliver(message);
    this.#flush();
  }

  /** The server said that it has sent all up to this date. */
  vouch(to: number): void {
    while (this.holding && this.#held[0]!.message.date <= to) this.#deliver(this.#held.shift()!.message);
    if (to > this.#last) this.#goOnFrom(to);
    this.#flush();
  }

  /** The server said that it leaves these to the history. */
  skip({ from, to }: { from: number; to: number }): void {
    if (to <= this.#last && this.#dates.includes(to)) return;
    this.#held = this.#held.filter(({ message }) => message.date > to);
    this.#skipped = { from, to };
    this.#goOnFrom(to);
    this.#sink.gap({ roomId: this.#roomId, from, to });
    this.#flush();
  }

  /** Goes on without what is missing before the first held message. */
  giveUp(): void {
    const first = this.#held.shift()?.message;
    if (!first) return;
    const from = this.#last;
    const to = first.prev;
    if (to !== undefined && this.#isMissing(to)) {
      this.#goOnFrom(to);
      this.#sink.gap({ roomId: this.#roomId, from, to });
    }
    this.#deliver(first);
    this.#flush();
  }

  /** Forgets what is held: the connection is gone, and a resume brings it again. */
  release(): void {
    this.#held = [];
  }

  #mustWait({ date, prev }: Message): boolean {
    const first = this.#held[0]?.message;
    if (prev === undefined) return first !== undefined && date > this.#last;
    return this.#isMissing(prev) || (first !== undefined && date > first.date && !this.#isTold(prev));
  }

  #hold(message: Message): void {
    const after = this.#held.findIndex((held) => held.message.date > message.date);
    const index = after < 0 ? this.#held.length : after;
    this.#held.splice(index, 0, { message, behind: index > 0 });
  }

  #flush(): void {
    while (this.holding) {
      const { message, behind } = this.#held[0]!;
      const known = this.#isKnown(message);
      if (!known && (message.prev === undefined ? !behind : this.#isMissing(message.prev))) return;
      this.#held.shift();
      if (!known) this.#deliver(message);
    }
  }

  #deliver(message: Message): void {
    const { date, prev } = message;
    if (prev === undefined) {
      remember(this.#foreign, message);
      this.#sink.message(message);
      return;
    }
    const last = this.#last;
    this.#goOnFrom(date);
    // Redis lost what follows prev, in a failover: what was delivered since then is not in the history any more.
    if (prev < last && last < date) this.#sink.gap({ roomId: this.#roomId, from: prev, to: last });
    this.#sink.message(message);
  }

  #goOnFrom(date: number): void {
    this.#last = date;
    remember(this.#dates, date);
  }

  /** True for a message that was told already, or that is in the history. */
  #isKnown(message: Message): boolean {
    const { date, prev } = message;
    if (prev === undefined) return this.#foreign.some((told) => isSame(told, message));
    const { from, to } = this.#skipped;
    return this.#dates.includes(date) || (from < prev && date <= to && !this.#isTold(prev));
  }

  /** True for a date that a message may follow: the server sends nothing before what it follows. */
  #isTold(date: number): boolean {
    return (
      date === this.#last || this.#dates.includes(date) || this.#foreign.some((told) => told.date === date)
    );
  }

  #isMissing(prev: number): boolean {
    return prev > this.#last && !this.#isTold(prev);
  }

  #isHeld(message: Message): boolean {
    return this.#held.some((held) => isSame(held.message, message));
  }
}

function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > 2 * REMEMBERED) list.splice(0, REMEMBERED);
}

/** Whole seconds do not tell foreign messages apart. */
function isSame(a: Message, b: Message): boolean {
  return a.date === b.date && a.from === b.from && a.message === b.message;
}
