import { type Message, privateMembers, type RoomId, type UserId } from '@chat/protocol';
import { indexAfter, indexFrom } from './view-window.ts';

/** An own message that the server has not acknowledged yet. */
export interface Outgoing {
  key: string;
  text: string;
  state: 'sending' | 'failed';
  /** Why it failed, in words. */
  reason?: string;
}

/** Messages may be missing between these two dates, both exclusive. */
export interface Gap {
  from: number;
  to: number;
}

/** More messages of a room than this are not kept; what is cut is read again from the history when wanted. */
const MOST = 3000;
const KEPT = 1000;

/** What the page knows of one room. Nothing here touches the network or the page. */
export class Room {
  readonly id: RoomId;
  /** A named room's name. */
  name: string | undefined;
  /** The other user of a private room. */
  readonly peer: UserId | undefined;
  /** In date order, without duplicates. */
  messages: Message[] = [];
  outgoing: Outgoing[] = [];
  gaps: Gap[] = [];
  /** True when the first message of the room is among `messages`. */
  complete = false;
  /** True once its newest messages were read from the history. */
  loaded = false;
  /** Why its history could not be read the last time, in words. */
  problem: string | undefined;
  /** The date of the newest message of which the server has told, seen here or not. */
  last = 0;

  constructor(id: RoomId, me: UserId) {
    this.id = id;
    this.peer = privateMembers(id)?.find((member) => member !== me);
  }

  /**
   * Adds messages in any order.
   *
   * @returns those that were new.
   */
  add(messages: readonly Message[]): Message[] {
    return messages.filter((message) => this.#insert(message));
  }

  #insert(message: Message): boolean {
    const list = this.messages;
    const at = indexAfter(list, message.date);
    for (let index = at - 1; index >= 0 && list[index]!.date === message.date; index--) {
      if (isSame(list[index]!, message)) return false;
    }
    list.splice(at, 0, message);
    this.last = Math.max(this.last, message.date);
    return true;
  }

  /** Notes a range that is missing; ranges that meet become one. */
  addGap(gap: Gap): void {
    if (gap.to <= gap.from) return;
    const apart = this.gaps.filter((other) => other.to < gap.from || other.from > gap.to);
    const met = this.gaps.filter((other) => !apart.includes(other));
    const from = Math.min(gap.from, ...met.map((other) => other.from));
    const to = Math.max(gap.to, ...met.map((other) => other.to));
    this.gaps = [...apart, { from, to }].sort((a, b) => a.from - b.from);
  }

  /** Takes note that the messages of the gap up to `until` (seconds) are here now. */
  narrowGap(gap: Gap, until: number): void {
    this.gaps = this.gaps.filter((other) => other.from !== gap.from);
    if (until < gap.to) this.addGap({ from: until, to: gap.to });
  }

  /** Takes note that from a date (seconds) on nothing is missing. */
  cover(from: number): void {
    const gaps = this.gaps.map((gap) => ({ from: gap.from, to: Math.min(gap.to, from) }));
    this.gaps = gaps.filter((gap) => gap.to > gap.from);
  }

  /** How many messages after a date are unread, of those known here. Whoever writes has read what stands above. */
  unread(read: number, me: UserId): number {
    const first = this.messages.findLastIndex(({ date, from }) => date <= read || from === me) + 1;
    return this.messages.length - first;
  }

  /** The date of the first unread message. */
  firstUnread(read: number, me: UserId): number | undefined {
    return this.messages[this.messages.length - this.unread(read, me)]?.date;
  }

  /** True when messages before the oldest one known here may be unread as well. */
  isUnreadFurtherBack(read: number, me: UserId): boolean {
    const { length } = this.messages;
    return this.loaded && !this.complete && length > 0 && this.unread(read, me) === length;
  }

  /**
   * Lets go of messages when there are too many. `reading` is the date up to which someone reads who scrolled back:
   * then what is between there and the newest ones goes, and leaves a gap.
   */
  shrink(reading?: number): void {
    if (this.messages.length <= MOST) return;
    if (reading === undefined) {
      this.#dropOlder(this.messages.length - KEPT);
      return;
    }
    const at = indexAfter(this.messages, reading);
    this.#dropOlder(at - KEPT);
    const keep = indexAfter(this.messages, reading) + KEPT / 2;
    const cut = this.messages.length - KEPT / 2 - keep;
    if (cut < KEPT / 2) return;
    this.messages.splice(keep, cut);
    this.addGap({ from: this.messages[keep - 1]!.date, to: this.messages[keep]!.date });
  }

  #dropOlder(count: number): void {
    if (count <= 0) return;
    this.messages.splice(0, count);
    this.complete = false;
    const first = this.messages[0]?.date ?? 0;
    this.gaps = this.gaps.filter((gap) => gap.to > first);
  }

  /** The newest message, for a line of preview. */
  get newest(): Message | undefined {
    return this.messages.at(-1);
  }

  /** True when a message of this date is known. */
  has(date: number): boolean {
    return this.messages[indexFrom(this.messages, date)]?.date === date;
  }
}

function isSame(a: Message, b: Message): boolean {
  return a.from === b.from && a.message === b.message && a.cid === b.cid;
}
