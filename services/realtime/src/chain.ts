import type { Reading } from '@chat/store';
import { ForeignMemory } from './foreign-memory.ts';

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

/**
 * - `next`: it follows the last one. Deliver it.
 * - `aside`: deliver it, and read the room: what it follows is known, but it does not lead on from the last one, or it is
 *   a foreign server's, beside which there may be others.
 * - `duplicate`: it was delivered.
 * - `hold`: something before it is missing.
 * - `doubt`: its date is past and nothing of it is known. The reading of the room tells whether it was delivered long
 *   ago, or Redis went on from before it.
 */
export type Verdict = 'next' | 'aside' | 'duplicate' | 'hold' | 'doubt';

/** Redis went on after the first of these dates, though the second was here already. */
interface Fork {
  from: number;
  to: number;
}

/** What a reading of the room brought. */
export type Found = Pick<Reading, 'end' | 'since' | 'standing'> & { messages: readonly Incoming[] };

/** Dates remembered at least, and at most twice as many: a room that many write into has this in memory. */
const RECENT = 128;
/** Seconds by which a date may be ahead of Redis' clock as far as it is known here. */
const SLACK = 10;

/**
 * The order of one room as its messages link it: each carries the date of the one before. Says of each message
 * whether it is the next one, was there already, or comes after something that is missing.
 *
 * Dates rise along the links, but Redis may go on from an earlier place: when its clock is set back by more than the
 * bound for dates ahead, or after a failover. So an old date is no proof of a duplicate; only a known one is.
 */
export class Chain {
  #last = 0;
  /** The newest date that is known: whatever is newer was not delivered. */
  #newest = 0;
  /** Dates known to have been delivered or passed over, in that order; at least the last {@link RECENT} of them. */
  #recent: number[] = [];
  /** The newest date that was forgotten: of what is older nobody can say whether it was delivered. */
  #forgotten = 0;
  #foreign: ForeignMemory | undefined;
  #held: Incoming[] = [];
  /** Those held when the reading under way began: Redis has them, or has lost them. */
  #asked: ReadonlySet<Incoming> = new Set();
  /** A reading is under way, which may bring what is delivered meanwhile. */
  #asking = false;
  /** Something ahead of Redis' clock was delivered: the next reading may bring it and all that follows it. */
  #toAsk = false;
  #lastAsked = 0;
  /** The earliest date in doubt, and that of the reading under way. */
  #doubted = Number.POSITIVE_INFINITY;
  #doubtedAsked = Number.POSITIVE_INFINITY;
  /** Where Redis seems to have gone on from an earlier date, until a reading tells; and that of the one under way. */
  #fork: Fork | undefined;
  #forkAsked: Fork | undefined;
  readonly #onLost: (from: number, to: number) => void;

  /** @param onLost told when Redis turns out to have lost what came after a date, up to another */
  constructor(onLost: (from: number, to: number) => void = () => undefined) {
    this.#onLost = onLost;
  }

  /** The date that the next message follows: the end of the room in Redis, as far as it is known here. */
  get last(): number {
    return this.#last;
  }

  get held(): number {
    return this.#held.length;
  }

  /** True while no reading confirmed that Redis went on from an earlier date. */
  get forked(): boolean {
    return this.#fork !== undefined;
  }

  /**
   * Starts after a date.
   *
   * @param recent dates up to there that the room has, ascending
   * @param foreign messages of foreign servers that are no news
   */
  startAfter(date: number, recent: readonly number[] = [], foreign: readonly Incoming[] = []): void {
    this.#last = date;
    this.#recent = recent.filter((known) => known <= date);
    if (!this.#recent.includes(date)) this.#recent.push(date);
    this.#forgotten = this.#recent[0]!;
    this.#newest = Math.max(this.#newest, date);
    for (const message of foreign) this.#isNews(message);
  }

  /** @param now Redis' clock: what is further ahead is delivered, but the chain goes on from there only if Redis does */
  judge(message: Incoming, now: number): Verdict {
    const { date, prev } = message;
    if (prev === this.#last && date > this.#newest && date <= now + SLACK) {
      this.#note(date);
      this.#last = date;
      return 'next';
    }
    if (prev === undefined) return this.#isNews(message) ? 'aside' : 'duplicate';
    if (this.knows(date)) return 'duplicate';
    if (!this.knows(prev)) {
      if (date > this.#last) this.#hold(message);
      else this.#doubted = Math.min(this.#doubted, date);
      return date > this.#last ? 'hold' : 'doubt';
    }
    return this.#follow(message, now);
  }

  /** True for a date that was delivered, or passed over, lately. */
  knows(date: number): boolean {
    return this.#recent.includes(date);
  }

  /** The held message that can be delivered now, if any; those that came by another way are dropped. */
  takeNext(now: number): Incoming | undefined {
    for (;;) {
      const first = this.#held[0];
      if (!first) return undefined;
      const known = this.knows(first.date);
      if (!known && !this.knows(first.prev!)) return undefined;
      this.#held.shift();
      if (known) continue;
      this.#follow(first, now);
      return first;
    }
  }

  /** A reading begins. @returns the dates to read after, the best first */
  askFrom(): number[] {
    this.#asking = true;
    this.#toAsk = false;
    this.#asked = new Set(this.#held);
    this.#lastAsked = this.#last;
    this.#forkAsked ??= this.#fork;
    this.#fork = undefined;
    this.#doubtedAsked = Math.min(this.#doubtedAsked, this.#doubted);
    this.#doubted = Number.POSITIVE_INFINITY;
    // One of long ago is most likely a late duplicate; were it not, the room would end before the last date.
    if (this.#doubtedAsked < Number.POSITIVE_INFINITY) {
      const before = this.#recent.filter((date) => date >= this.#forgotten && date < this.#doubtedAsked);
      if (before.length > 0) return backwards(before, before.length - 1);
    }
    const dates = this.from(this.#last);
    return this.#forkAsked ? [this.#forkAsked.to, ...dates] : dates;
  }

  /** The dates to read after for somebody who is at this one. */
  from(date: number): number[] {
    const index = this.#recent.lastIndexOf(date);
    return index < 0 ? [date] : backwards(this.#recent, index);
  }

  /** Takes what was read. @returns what of it is news, in order */
  take(found: Found): Incoming[] {
    const { end, messages } = found;
    const news = messages.filter((message) => {
      if (message.prev === undefined) return this.#isNews(message);
      if (this.knows(message.date)) return false;
      this.#note(message.date);
      return true;
    });
    // While all that was read is known: the others that were held may be more than is remembered.
    this.#held = this.#held.filter(({ date }) => !this.knows(date));
    this.#goOnFrom(end);
    this.#understand(found);
    return news;
  }

  /**
   * The held messages that the reading should have brought and did not: relayed, and not stored or lost since. What is
   * sent next does not follow them.
   */
  takeUnstored(): Incoming[] {
    const unstored = this.#held.filter((message) => this.#asked.has(message));
    this.#held = this.#held.filter((message) => !this.#asked.has(message));
    for (const { date } of unstored) {
      this.#onLost(this.#last, date);
      this.#note(date);
    }
    return unstored;
  }

  /**
   * Goes on from the end of what was read, without its messages.
   *
   * @returns false when all of them came meanwhile
   */
  skip(found: Omit<Found, 'messages'>): boolean {
    const { end } = found;
    const came = this.#last !== this.#lastAsked && this.#doubtedAsked === Number.POSITIVE_INFINITY;
    this.#understand(found);
    if (came && this.knows(end)) return false;
    // What is newer came meanwhile.
    this.#recent = this.#recent.filter((date) => date > end);
    this.#forgotten = end;
    this.#held = this.#held.filter(({ date }) => date > end);
    this.#goOnFrom(end);
    return true;
  }

  #goOnFrom(end: number): void {
    // What came meanwhile may have led on from there, or back.
    if (this.#last === this.#lastAsked || end > this.#last) this.#last = end;
    if (!this.knows(end)) this.#note(end);
  }

  #understand({ since, standing }: Omit<Found, 'messages'>): void {
    const { from, to } = this.#forkAsked ?? { from: since, to: this.#lastAsked };
    if (!standing && from < to) this.#onLost(from, to);
    this.#asking = false;
    this.#forkAsked = undefined;
    this.#doubtedAsked = Number.POSITIVE_INFINITY;
  }

  #follow({ date, prev }: Incoming, now: number): Verdict {
    this.#note(date);
    if (date > Math.max(now, this.#last) + SLACK) {
      this.#toAsk = true;
      return 'aside';
    }
    const last = this.#last;
    this.#last = date;
    if (prev === last && date > last) return 'next';
    this.#fork ??= { from: prev!, to: last };
    return 'aside';
  }

  #note(date: number): void {
    this.#recent.push(date);
    if (date > this.#newest) this.#newest = date;
    if (this.#recent.length > 2 * RECENT && !this.#asking && !this.#toAsk) this.#forget();
  }

  #forget(): void {
    const old = this.#recent.slice(0, -RECENT);
    // What is ahead of the chain will be met again when Redis' clock gets there.
    const ahead = old.filter((date) => date > this.#last).slice(-RECENT / 2);
    for (const date of old) if (date <= this.#last && date > this.#forgotten) this.#forgotten = date;
    this.#recent = [...ahead, ...this.#recent.slice(-RECENT)];
  }

  #hold(message: Incoming): void {
    let index = this.#held.length;
    while (index > 0 && this.#held[index - 1]!.date > message.date) index--;
    if (this.#held[index - 1]?.date === message.date) return;
    this.#held.splice(index, 0, message);
  }

  /** False for a foreign message that was delivered already. */
  #isNews({ identity }: Incoming): boolean {
    this.#foreign ??= new ForeignMemory();
    return identity === undefined || this.#foreign.add(identity);
  }
}

/** Some of the dates up to an index, backwards and ever further apart: few, however much Redis lost. */
function backwards(dates: readonly number[], index: number): number[] {
  const some: number[] = [];
  for (let step = 1; index >= 0; index -= step, step *= 2) {
    some.push(dates[index]!);
  }
  if (dates.length > 0 && some.at(-1) !== dates[0]) some.push(dates[0]!);
  return some;
}
