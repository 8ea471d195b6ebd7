import { performance } from 'node:perf_hooks';
import { DATE_STEP, type RoomId } from '@chat/protocol';
import type { Opening, Place, Reading } from '@chat/store';
import { Chain, type Incoming } from './chain.ts';
import type { Fanout } from './fanout.ts';
import { gapFrame, incomingOf } from './frames-out.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { RedisClock } from './redis-clock.ts';
import { roomTopics } from './topics.ts';
import { Window } from './window.ts';

/** How long a message waits for the one before it, in milliseconds, before the room is read; and what else needs that. */
const HOLD_MS = 250;
/**
 * So long after the last reading, in milliseconds, comes one that is urgent: for a message that may follow a foreign one,
 * as that is in no chain, and nothing but the room itself brings its place; for one behind many others; and for a date in
 * doubt, as Redis' clock may step again.
 */
const REST_MS = 20;
/** Held messages at which the room is read at once. */
const MAX_HELD = 1000;

export interface RoomOptions {
  fanout: Fanout;
  metrics: RealtimeMetrics;
  clock: RedisClock;
  windowMs: number;
  /** Called when something is missing for too long: read the room, then call {@link Room.repaired}. */
  onMissing: (room: Room) => void;
  /** Told when Redis lost messages of a room, after a date and up to another. */
  onLost: (room: Room, from: number, to: number) => void;
}

/**
 * A room on this replica: brings its messages, wherever they come from, into the order of their chain, and hands
 * them to the sockets.
 */
export class Room {
  readonly id: RoomId;
  /** How clients call it: its name, or the names of its two users. */
  title: { name: string } | { names: string[] } = { names: [] };
  /** Users and peers on this replica that are in the room; at 0 it may be forgotten. */
  members = 0;
  /** When the last member left, by performance.now(). */
  emptySince = 0;
  /** Foreign servers write here. */
  foreign = false;
  readonly #chain = new Chain((from, to) => this.#lost(from, to));
  readonly #topics: string[];
  readonly #options: RoomOptions;
  readonly #window: Window<Incoming>;
  /** Messages that came before the room's last date was known; undefined once it is. */
  #early: Incoming[] | undefined = [];
  /** Someone who is live already waits for the early messages. */
  #earlyCounts = false;
  readonly #onOpen: (() => void)[] = [];
  /** The last date of the chain that was published. */
  #published = 0;
  #timer: NodeJS.Timeout | undefined;
  /** By performance.now(), when the timer fires. */
  #timerAt = 0;
  /** By performance.now(), when the room was read. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Something but a held message asks for a reading: a foreign message, or a date that is not understood. */
  #due = false;
  /** A reading is under way. */
  #asking = false;
  /** The last date when a foreign message came that no reading followed yet. */
  #foreignAt: number | undefined;
  /** The place of the last frame published, among all frames of the room on this replica. */
  #seq = 0;
  /** Where the peers that are not live yet were parked, ascending. */
  readonly #parked: number[] = [];
  /** What was published since the first of these places: without a hole, so the last one is at #seq. */
  #kept: Incoming[] = [];

  constructor(id: RoomId, options: RoomOptions) {
    this.id = id;
    this.#options = options;
    this.#topics = roomTopics(id);
    this.#window = new Window(options.windowMs, (message) => this.#publish(message));
  }

  get topics(): readonly string[] {
    return this.#topics;
  }

  get opened(): boolean {
    return this.#early === undefined;
  }

  get last(): number {
    return this.#chain.last;
  }

  /** The date up to which all is published: what is published next follows it. */
  get flushed(): number {
    return this.#window.waiting ? this.#published : this.#chain.last;
  }

  /** From now on early messages are delivered even if the room has them already: someone live has not seen them. */
  keepEarly(): void {
    if (this.#early) this.#earlyCounts = true;
  }

  /** Calls back once the room is open, before the early messages are delivered; at once when it is. */
  whenOpen(callback: () => void): void {
    if (this.#early) this.#onOpen.push(callback);
    else callback();
  }

  /** Gives the room its place in Redis. */
  opensAt({ end, recent, foreign, messages }: Omit<Opening, 'now'>): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    // With someone live waiting, the chain starts before the first early message, else with what Redis has.
    const before = early.map(({ date, prev }) => prev ?? date - DATE_STEP);
    const start = this.#earlyCounts ? Math.min(end, ...before) : end;
    // What is told to someone live as news may be under way still.
    this.#chain.startAfter(start, recent, this.#earlyCounts ? [] : messages.map(incomingOf));
    this.#published = start;
    this.foreign ||= foreign;
    for (const callback of this.#onOpen.splice(0)) callback();
    for (const message of early) {
      if (message.prev !== undefined || this.#earlyCounts || message.date > end) this.offer(message);
    }
  }

  /**
   * Takes a message from a relay or from an append.
   *
   * @returns false when it was there already
   */
  offer(message: Incoming): boolean {
    if (this.#early) {
      this.#early.push(message);
      return true;
    }
    switch (this.#chain.judge(message, this.#options.clock.now())) {
      case 'next':
        this.#window.push(message);
        if (this.#chain.held > 0) this.#deliverHeld();
        return true;
      case 'aside':
        this.#window.push(message);
        if (this.#chain.held > 0) this.#deliverHeld();
        if (message.prev === undefined) this.#foreignCame();
        else this.#readNow();
        return true;
      case 'hold':
        this.#waitForMissing();
        return true;
      case 'doubt':
        this.#readNow();
        return true;
      case 'duplicate':
        this.#options.metrics.duplicates++;
        return false;
    }
  }

  /** Says that a message of this date is stored, though it does not come by itself. */
  expect(date: number): void {
    if (date > this.#chain.last && !this.#chain.knows(date)) this.#options.onMissing(this);
  }

  /** True while a reading may show that the room ends elsewhere than it is thought to. */
  get unsure(): boolean {
    return this.#due || this.#asking;
  }

  /** True for a date that was delivered, or passed over, lately. */
  knows(date: number): boolean {
    return this.#chain.knows(date);
  }

  /**
   * Called before the room is read for {@link Room.take}.
   *
   * @param anew what foreign servers wrote may have been missed
   */
  askFrom(anew: boolean): Place {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = false;
    this.#asking = true;
    this.#askedAt = performance.now();
    const overlap = this.foreign || anew ? (this.#foreignAt ?? this.#chain.last) : undefined;
    return { id: this.id, dates: this.#chain.askFrom(), overlap };
  }

  /** The dates to read after for a client that is at this one. */
  from(date: number): number[] {
    return this.#chain.from(date);
  }

  /**
   * Takes what the room holds after one of the dates of {@link Room.askFrom}. When that is too much, or nobody can say
   * what it is, the sockets are told a gap, and the room goes on behind it.
   *
   * @returns how many messages had been missing
   */
  take(reading: Reading): number {
    this.#asking = false;
    const { end, since, messages } = reading;
    const unknown = since === 0 && end > 0 && !this.#chain.knows(0);
    if (!messages || unknown) {
      this.#skip(reading);
      return 0;
    }
    if (!this.#due) this.#foreignAt = undefined;
    const found = messages.map(incomingOf);
    this.foreign ||= found.some(({ prev }) => prev === undefined);
    const news = this.#chain.take({ ...reading, messages: found });
    for (const message of news) this.#window.push(message);
    this.#deliverHeld();
    for (const message of this.#chain.takeUnstored()) this.#window.push(message);
    this.#deliverHeld();
    if (this.#chain.held > 0) this.#waitForMissing();
    return news.length;
  }

  /** Publishes at once what waits for the end of the window. */
  flush(): void {
    this.#window.flush();
  }

  /**
   * Keeps what is published from now on for a peer that is not live yet.
   *
   * @returns the place from which on: give it to {@link Room.unparkPeer}
   */
  parkPeer(): number {
    this.#parked.push(this.#seq);
    return this.#seq;
  }

  /** Forgets what was kept for this peer alone: there may always be others, so it is not enough to wait for none. */
  unparkPeer(seq: number): void {
    const index = indexOf(this.#parked, seq);
    if (index === undefined) return;
    this.#parked.splice(index, 1);
    if (index > 0) return;
    const oldest = this.#parked[0];
    if (oldest === undefined) this.#kept = [];
    else if (oldest > seq) this.#kept.splice(0, this.#keptUpTo(oldest));
  }

  /** The place of what is published next. */
  get place(): number {
    return this.#seq;
  }

  /** What was published after a place, for a peer that goes live. */
  keptAfter(seq: number): readonly Incoming[] {
    return this.#kept.slice(this.#keptUpTo(seq));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#window.flush();
  }

  #skip(reading: Reading): void {
    const { since, end } = reading;
    this.#window.flush();
    if (this.#chain.skip(reading))
      this.#publish({ date: end, prev: since, frame: gapFrame(this.id, since, end) });
    this.#deliverHeld();
    if (this.#chain.held > 0) this.#waitForMissing();
  }

  #publish(message: Incoming): void {
    this.#seq++;
    if (this.#parked.length > 0) this.#kept.push(own(message));
    for (const topic of this.#topics) this.#options.fanout.publish(topic, message.frame);
    // Not a date that the chain does not go on from: clients would hold what follows for disconnected.
    if (message.prev !== undefined && message.date <= this.#chain.last) this.#published = message.date;
  }

  /** How many of the kept frames were published up to a place. */
  #keptUpTo(seq: number): number {
    return Math.max(0, this.#kept.length - (this.#seq - seq));
  }

  #lost(from: number, to: number): void {
    this.#options.metrics.lost++;
    this.#options.onLost(this, from, to);
  }

  #deliverHeld(): void {
    const now = this.#options.clock.now();
    for (let message = this.#chain.takeNext(now); message; message = this.#chain.takeNext(now)) {
      this.#window.push(message);
    }
    if (this.#chain.forked) this.#readNow();
    if (this.#chain.held > 0 || this.#due) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #waitForMissing(): void {
    if (this.#due || this.#chain.held >= MAX_HELD) this.#readNow();
    else this.#readIn(HOLD_MS);
  }

  /** There may be others that were not published: one reading for all that come within a while. */
  #foreignCame(): void {
    this.foreign = true;
    this.#foreignAt ??= this.#chain.last;
    this.#due = true;
    this.#readIn(HOLD_MS);
  }

  /** Where the room goes on can only be read. */
  #readNow(): void {
    this.#due = true;
    this.#readIn(this.#askedAt + REST_MS - performance.now());
  }

  #readIn(ms: number): void {
    if (ms <= 0) {
      this.#options.onMissing(this);
      return;
    }
    const at = performance.now() + ms;
    if (this.#timer && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#options.onMissing(this);
    }, ms);
  }
}

/** Where a number is in an ascending array; undefined when it is not there. */
function indexOf(ascending: readonly number[], value: number): number | undefined {
  let from = 0;
  let to = ascending.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (ascending[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return ascending[from] === value ? from : undefined;
}

/** A message that can be kept: a frame that was cut out of what Redis sent holds on to all of that, so it is copied. */
function own(message: Incoming): Incoming {
  const { frame } = message;
  if (typeof frame === 'string') return message;
  // Slices of Node's pool are no larger than that: many kept frames share one.
  if (frame.buffer.byteLength <= Math.max(frame.byteLength, Buffer.poolSize)) return message;
  return { ...message, frame: Buffer.from(frame) };
}
