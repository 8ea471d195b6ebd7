import { performance } from 'node:perf_hooks';
import { DATE_STEP, MAX_DATE_AHEAD, type RoomId } from '@chat/protocol';
import { Chain, type Incoming } from './chain.ts';
import type { Fanout } from './fanout.ts';
import type { RealtimeMetrics } from './metrics.ts';
import { roomTopics } from './topics.ts';
import { Window } from './window.ts';

/** How long a message waits for the one before it, in milliseconds, before the room is read. */
const HOLD_MS = 250;
/** Held messages at which the room is read at once. */
const MAX_HELD = 1000;

export interface RoomOptions {
  fanout: Fanout;
  metrics: RealtimeMetrics;
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
  /** The last date that was published. */
  flushed = 0;
  readonly #chain = new Chain((from, to) => this.#lost(from, to));
  readonly #topics: string[];
  readonly #options: RoomOptions;
  readonly #window: Window<Incoming>;
  /** Messages that came before the room's last date was known; undefined once it is. */
  #early: Incoming[] | undefined = [];
  /** Someone who is live already waits for the early messages. */
  #earlyCounts = false;
  readonly #onOpen: (() => void)[] = [];
  #holdTimer: NodeJS.Timeout | undefined;
  #heldBeforeRead = 0;
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

  /** A date that Redis had. */
  get chained(): number {
    return this.#chain.chained;
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

  /** Gives the room the last date found in Redis. */
  opensAt(last: number): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    // With someone live waiting, the chain starts before the first early message, else with what Redis has.
    const before = early.map(({ date, prev }) => prev ?? date - DATE_STEP);
    const start = this.#earlyCounts ? Math.min(last, ...before) : last;
    this.#chain.startAfter(start);
    this.flushed = start;
    for (const callback of this.#onOpen.splice(0)) callback();
    for (const message of early) {
      if (message.prev !== undefined || this.#earlyCounts || message.date > last) this.offer(message);
    }
  }

  /** Takes a message from a relay or from an append. */
  offer(message: Incoming): void {
    if (this.#early) {
      this.#early.push(message);
      return;
    }
    const verdict = this.#chain.judge(message, performance.now(), Date.now() / 1000 + MAX_DATE_AHEAD);
    if (verdict === 'deliver') {
      this.#window.push(message);
      if (this.#chain.held > 0) this.#deliverHeld();
    } else if (verdict === 'hold') this.#waitForMissing();
    else this.#options.metrics.duplicates++;
  }

  /** Says that a message of this date is stored, though it does not come by itself. */
  expect(date: number): void {
    if (date > this.#chain.last) this.#options.onMissing(this);
  }

  /** Redis, which failed over, has nothing after this date any more. */
  rewind(date: number): void {
    this.#chain.rewind(date);
    this.flushed = Math.min(this.flushed, date);
  }

  /** Called before the room is read for {@link Room.repaired}. */
  startRepair(): void {
    clearTimeout(this.#holdTimer);
    this.#holdTimer = undefined;
    this.#heldBeforeRead = this.#chain.lastHeld;
  }

  /**
   * Takes what the room holds after its last date.
   *
   * @param complete nothing else is stored
   * @returns how many messages had been missing
   */
  repaired(stored: readonly Incoming[], complete: boolean): number {
    let missing = 0;
    const now = performance.now();
    for (const message of stored) {
      if (!this.#chain.takeStored(message, now)) continue;
      missing++;
      this.#window.push(message);
    }
    this.#deliverHeld();
    // What was held before the read and is not in the room was relayed and then lost with a Redis that failed.
    while (complete && this.#chain.firstHeld <= this.#heldBeforeRead) {
      const before = this.#chain.last;
      const message = this.#chain.takeAnyway();
      if (!message) break;
      this.#lost(before, message.prev ?? before);
      this.#window.push(message);
      this.#deliverHeld();
    }
    if (this.#chain.held > 0) this.#waitForMissing();
    return missing;
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

  /** What was published after a place, for a peer that goes live. */
  keptAfter(seq: number): readonly Incoming[] {
    return this.#kept.slice(this.#keptUpTo(seq));
  }

  close(): void {
    clearTimeout(this.#holdTimer);
    this.#window.flush();
  }

  #publish(message: Incoming): void {
    this.#seq++;
    if (this.#parked.length > 0) this.#kept.push(own(message));
    for (const topic of this.#topics) this.#options.fanout.publish(topic, message.frame);
    // Not to a date that the chain does not go on from: clients would take all that follows for known.
    if (message.date > this.flushed && message.date <= this.#chain.last) this.flushed = message.date;
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
    for (let message = this.#chain.takeNext(); message; message = this.#chain.takeNext()) {
      this.#window.push(message);
    }
    if (this.#chain.held > 0 || this.#holdTimer === undefined) return;
    clearTimeout(this.#holdTimer);
    this.#holdTimer = undefined;
  }

  #waitForMissing(): void {
    if (this.#chain.held >= MAX_HELD) this.#options.onMissing(this);
    else this.#holdTimer ??= setTimeout(() => this.#missing(), HOLD_MS);
  }

  #missing(): void {
    this.#holdTimer = undefined;
    this.#options.onMissing(this);
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
