import { isRoomId, type RoomId } from '@chat/protocol';

/** Rooms whose last dates lie this close together, in seconds, could have crossed on their way: each is named. */
const SLACK = 1;

/**
 * Where a stream is, as the id of its events: `base;room=date;room=date`. A room that is not named has sent nothing
 * after the base. It holds the rooms that spoke since the stream began, not all that there are.
 */
export class StreamCursor {
  readonly #base: number;
  readonly #dates: Map<RoomId, number>;

  private constructor(base: number, dates: Map<RoomId, number>) {
    this.#base = base;
    this.#dates = dates;
  }

  /** At the last dates of all rooms. */
  static at(rooms: Iterable<{ id: RoomId; flushed: number }>): StreamCursor {
    const list = [...rooms];
    const base = Math.max(0, Math.max(0, ...list.map(({ flushed }) => flushed)) - SLACK);
    const recent = list.filter(({ flushed }) => flushed > base);
    return new StreamCursor(base, new Map(recent.map(({ id, flushed }) => [id, flushed])));
  }

  /** Reads a Last-Event-ID; undefined when it is none of ours. */
  static parse(text: string): StreamCursor | undefined {
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
    return new StreamCursor(start, dates);
  }

  /** The date up to which the stream has the room. */
  since(id: RoomId): number {
    return this.#dates.get(id) ?? this.#base;
  }

  /** Moves on by a message; a foreign one with an earlier date moves nothing. */
  advance({ roomId, date }: { roomId: RoomId; date: number }): string {
    if (date > this.since(roomId)) this.#dates.set(roomId, date);
    return this.toString();
  }

  toString(): string {
    return [this.#base, ...Array.from(this.#dates, ([id, date]) => `${id}=${date}`)].join(';');
  }
}

function toDate(text: string | undefined): number | undefined {
  const date = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(date) && date >= 0 ? date : undefined;
}
