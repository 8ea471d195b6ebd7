import type { Message, RoomId } from '@chat/protocol';

/** What one client received of one room. */
interface Received {
  /** The date after which it has to get everything. */
  start: number;
  /** Dates of what came by itself, in the order in which it came, and when (milliseconds of performance.now()). */
  dates: number[];
  times: number[];
  /** Dates of what it read from the history after it was told of a gap. */
  filled: number[];
  /** The newest date received by either way. */
  last: number;
}

/** What is wrong with a view, as numbers of messages. */
export interface ViewFaults {
  missing: number[];
  duplicated: number[];
  outOfOrder: number[];
  /** Received, and not in the room: nobody who reads the history will ever see it. */
  unknown: number[];
}

/** Everything that one client was shown, room by room. */
export class LedgerView {
  readonly name: string;
  reconnects = 0;
  gaps = 0;
  readonly #rooms = new Map<RoomId, Received>();
  #greeted = false;

  constructor(name: string) {
    this.name = name;
  }

  get delivered(): number {
    let count = 0;
    for (const { dates, filled } of this.#rooms.values()) count += dates.length + filled.length;
    return count;
  }

  get rooms(): Iterable<RoomId> {
    return this.#rooms.keys();
  }

  /** The client was connected; the first time it is told from where on it receives each room. */
  greeted(rooms: readonly { id: RoomId; last: number }[]): void {
    for (const { id, last } of rooms) this.startsAfter(id, last);
    if (this.#greeted) this.reconnects++;
    this.#greeted = true;
  }

  /** Keeps the first date given for a room. */
  startsAfter(roomId: RoomId, date: number): void {
    if (this.#rooms.has(roomId)) return;
    this.#rooms.set(roomId, { start: date, dates: [], times: [], filled: [], last: date });
  }

  received({ roomId, date, prev }: Message, at: number): void {
    this.startsAfter(roomId, prev ?? 0);
    const room = this.#rooms.get(roomId)!;
    room.dates.push(date);
    room.times.push(at);
    room.last = Math.max(room.last, date);
  }

  /** The server left what comes after this date to the history. */
  gapped(roomId: RoomId, from: number): void {
    this.gaps++;
    this.startsAfter(roomId, from);
  }

  /** A message was read from the history. */
  filled({ roomId, date }: Message): void {
    const room = this.#rooms.get(roomId)!;
    room.filled.push(date);
    room.last = Math.max(room.last, date);
  }

  /** The date up to which it has received something of the room; infinite for a room that it is not in. */
  last(roomId: RoomId): number {
    return this.#rooms.get(roomId)?.last ?? Number.POSITIVE_INFINITY;
  }

  /** When the first message out of these dates came; undefined when none did. */
  firstOf(dates: ReadonlyMap<RoomId, ReadonlySet<number>>): number | undefined {
    let first: number | undefined;
    for (const [roomId, wanted] of dates) {
      const room = this.#rooms.get(roomId);
      const index = room?.dates.findIndex((date) => wanted.has(date)) ?? -1;
      if (index >= 0) first = Math.min(first ?? Number.POSITIVE_INFINITY, room!.times[index]!);
    }
    return first;
  }

  /** @param stored the dates of all that the room holds, ascending */
  faults(roomId: RoomId, stored: readonly number[]): ViewFaults {
    const { start, dates, filled } = this.#rooms.get(roomId)!;
    const faults: ViewFaults = { missing: [], duplicated: [], outOfOrder: [], unknown: [] };
    const seen = new Set<number>();
    for (const date of [...dates, ...filled]) {
      if (seen.has(date)) faults.duplicated.push(date);
      seen.add(date);
    }
    let newest = 0;
    for (const date of dates) {
      if (date < newest) faults.outOfOrder.push(date);
      newest = Math.max(newest, date);
    }
    const known = new Set(stored);
    for (const date of seen) if (!known.has(date)) faults.unknown.push(date);
    for (const date of stored) if (date > start && !seen.has(date)) faults.missing.push(date);
    return faults;
  }
}
