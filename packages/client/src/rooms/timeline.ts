import { DATE_STEP, MAX_DATE_AHEAD, type Message, type RoomId } from '@chat/protocol';

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
/** Foreign messages by which a repeated one is known. */
const MAX_FOREIGN = 64;

/**
 * Puts the messages of one room in order. A message says which date it follows (`prev`), so a missing one is noticed:
 * what comes behind it is held until it is filled in, or given up as a gap.
 *
 * Foreign servers write no `prev`, and often whole seconds by a clock of their own. Their messages are passed on as
 * they come, also when they are late by their date; only while something is missing they wait with the others.
 */
export class Timeline {
  readonly #roomId: RoomId;
  readonly #sink: TimelineSink;
  /** The newest date that is known from the chain; foreign messages move `#last` alone. */
  #chained: number;
  #last: number;
  #held: Held[] = [];
  readonly #foreign: string[] = [];

  /** @param last the date up to which there is nothing to be told. */
  constructor(roomId: RoomId, last: number, sink: TimelineSink) {
    this.#roomId = roomId;
    this.#sink = sink;
    this.#chained = last;
    this.#last = last;
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
    this.#moveTo(to);
    this.#flush();
  }

  /** The server said that it leaves these to the history. */
  skip({ from, to }: { from: number; to: number }): void {
    if (to <= this.#last) return;
    this.#held = this.#held.filter(({ message }) => message.date > to);
    this.#moveTo(to);
    this.#sink.gap({ roomId: this.#roomId, from, to });
    this.#flush();
  }

  /** Goes on without what is missing before the first held message. */
  giveUp(): void {
    const first = this.#held.shift()?.message;
    if (!first) return;
    const from = this.#last;
    const to = first.prev ?? first.date - DATE_STEP;
    if (to > from) {
      this.#moveTo(to);
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
    return prev > this.#last || (first !== undefined && date > first.date);
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
      if (!known && (message.prev === undefined ? !behind : message.prev > this.#last)) return;
      this.#held.shift();
      if (!known) this.#deliver(message);
    }
  }

  #deliver(message: Message): void {
    const { date, prev } = message;
    if (prev === undefined) this.#rememberForeign(message);
    // A date far ahead is a foreign server's mistake (milliseconds, say); the chain does not go on from there.
    if (prev !== undefined || date < Date.now() / 1000 + MAX_DATE_AHEAD)
      this.#last = Math.max(this.#last, date);
    const known = this.#chained;
    if (prev !== undefined) this.#chained = date;
    // Redis lost what follows prev, in a failover: what was delivered since then is not in the history any more.
    if (prev !== undefined && prev < known) this.#sink.gap({ roomId: this.#roomId, from: prev, to: known });
    this.#sink.message(message);
  }

  #moveTo(date: number): void {
    this.#chained = Math.max(this.#chained, date);
    this.#last = Math.max(this.#last, date);
  }

  /** True for a message that was delivered already. */
  #isKnown(message: Message): boolean {
    if (message.prev !== undefined) return message.date <= this.#chained;
    return this.#foreign.includes(key(message));
  }

  #isHeld(message: Message): boolean {
    return this.#held.some(
      (held) => held.message.date === message.date && key(held.message) === key(message),
    );
  }

  #rememberForeign(message: Message): void {
    this.#foreign.push(key(message));
    if (this.#foreign.length > MAX_FOREIGN) this.#foreign.shift();
  }
}

/** Whole seconds do not tell foreign messages apart. */
function key({ date, from, message }: Message): string {
  return `${date} ${from} ${message}`;
}
