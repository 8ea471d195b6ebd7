import { isRoomId, type RoomId } from '@chat/protocol';
import type { RedisClock } from './redis-clock.ts';

/** Rooms whose last dates lie this close together, in seconds, could have crossed on their way: each is named. */
const SLACK = 1;
/**
 * Characters of an id at most. It comes back as a header, and uWebSockets.js refuses a request whose headers have more
 * than 4096 bytes: half of that is left for cookies and for what browsers and proxies add.
 */
const MAX_LENGTH = 2000;
/** What is left of an id that was too long: it is not shortened again with the next message. */
const SHORTENED_LENGTH = 1500;
/**
 * Seconds after which a message of any room has come: longer than windows, repairs and the discovery of a deaf
 * subscription take together.
 */
const SETTLED = 60;

/**
 * Where a stream is, as the id of its events: `base;room=date;room=date`. A room that is not named has sent nothing
 * after the base. It holds the rooms that spoke since the stream began, not all that there are.
 */
export class StreamCursor {
  #base: number;
  readonly #dates: Map<RoomId, number>;
  readonly #clock: Pick<RedisClock, 'now'>;
  /** Up to this date every room has sent what it had. */
  #settled = 0;

  private constructor(base: number, dates: Map<RoomId, number>, clock: Pick<RedisClock, 'now'>) {
    this.#base = base;
    this.#dates = dates;
    this.#clock = clock;
  }

  /** At the last dates of all rooms; those that are ahead of Redis' clock tell nothing of other rooms. */
  static at(rooms: Iterable<{ id: RoomId; flushed: number }>, clock: Pick<RedisClock, 'now'>): StreamCursor {
    const list = [...rooms];
    const newest = Math.max(0, ...list.map(({ flushed }) => flushed));
    const base = Math.max(0, Math.min(newest, clock.now()) - SLACK);
    const recent = list.filter(({ flushed }) => flushed > base);
    return new StreamCursor(base, new Map(recent.map(({ id, flushed }) => [id, flushed])), clock);
  }

  /** Reads a Last-Event-ID; undefined when it is none of ours. */
  static parse(text: string, clock: Pick<RedisClock, 'now'>): StreamCursor | undefined {
    const [base, ...places] = text.split(';');
    const start = toDate(base);
    if (start === undefined) return undefined;
    const dates = new Map<RoomId, number>();
    for (const place of places) {
      const [id, date] = place.split('=');
      const position = toDate(date);
      if (!isRoomId(id) || position === undefined) return undefined;
      dates.set(id, position);
    }
    return new StreamCursor(start, dates, clock);
  }

  /** The date up to which the stream has the room; 0 when Redis' clock was set back, as then nobody knows. */
  since(id: RoomId): number {
    return this.#dates.get(id) ?? (this.#base > this.#clock.now() ? 0 : this.#base);
  }

  /** {@link StreamCursor.move}, then {@link StreamCursor.id}. */
  advance(message: Moving, last: number): string {
    this.move(message, last);
    return this.id();
  }

  /**
   * Moves on by a message of the room's chain. The date of a foreign one, or of one that the chain does not go on from,
   * says nothing of what else the stream has.
   *
   * @param last the last date of the chain
   */
  move({ roomId, date, prev }: Moving, last: number): void {
    if (prev === undefined || date > last) return;
    this.#dates.set(roomId, date);
    this.#settled = Math.max(this.#settled, Math.min(date, this.#clock.now()) - SETTLED);
  }

  /** The stream has all of a room up to a date, or was told what it has not. */
  reach(roomId: RoomId, date: number): void {
    if (date > this.#base) this.#dates.set(roomId, date);
  }

  /** True when {@link StreamCursor.id} would leave nothing out. */
  get fits(): boolean {
    return this.toString().length <= MAX_LENGTH;
  }

  /**
   * The id of an event before which the stream has had all rooms: not amid those of a resume, unless it fits. When it
   * is too long, the rooms that have been silent the longest are not named any more, and the base is raised instead:
   * up to the last of their dates, so that they are not sent again, but not beyond what is settled, so that nothing of
   * any room is skipped. So in a crowd of rooms within a minute, a resume may repeat what came in that minute.
   */
  id(): string {
    const text = this.toString();
    if (text.length <= MAX_LENGTH) return text;
    this.#shorten(text.length - SHORTENED_LENGTH);
    return this.toString();
  }

  toString(): string {
    return [this.#base, ...Array.from(this.#dates, place)].join(';');
  }

  #shorten(excess: number): void {
    let left = excess;
    let dropped = 0;
    for (const [id, date] of [...this.#dates].sort(([, a], [, b]) => a - b)) {
      if (left <= 0) break;
      left -= place([id, date]).length + 1;
      dropped = date;
      this.#dates.delete(id);
    }
    this.#base = Math.max(this.#base, Math.min(dropped, this.#settled));
  }
}

/** What a cursor reads of a message. */
interface Moving {
  roomId: RoomId;
  date: number;
  prev?: number;
}

function place([id, date]: [RoomId, number]): string {
  return `${id}=${date}`;
}

function toDate(text: string | undefined): number | undefined {
  const date = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(date) && date >= 0 ? date : undefined;
}
