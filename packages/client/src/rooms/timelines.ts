import {
  type ClientLimits,
  ERRORS,
  type ErrorCode,
  type HelloRoom,
  LIMITS,
  type Message,
  type RoomId,
} from '@chat/protocol';
import type { Timing } from '../timing.ts';
import { Timeline, type TimelineSink } from './timeline.ts';

export interface TimelinesOptions extends TimelineSink {
  /** Sends a resume frame: the server answers with what is newer in these rooms, then with `resumed`. */
  resume(rooms: Record<RoomId, number>): void;
  /** False while the server cannot read messages; nothing is given up then. */
  isReady(): boolean;
  /** All that a resume brings has come. */
  resumed(): void;
  timing: Timing;
}

interface Repair {
  timer: ReturnType<typeof setTimeout>;
  /** The position at which something was missing. */
  at: number;
}

/** The positions of all rooms, and the asking for what is missing in them. */
export class Timelines {
  readonly #options: TimelinesOptions;
  readonly #rooms = new Map<RoomId, Timeline>();
  readonly #repairs = new Map<RoomId, Repair>();
  /** Answers to wait for until a resume after a reconnect is complete. */
  #outstanding = 0;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #frameBytes: number = LIMITS.frameBytes;

  constructor(options: TimelinesOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#rooms.size === 0;
  }

  get resuming(): boolean {
    return this.#outstanding > 0;
  }

  /** The date up to which all of the room is delivered; undefined for a room that is not received. */
  position(roomId: RoomId): number | undefined {
    return this.#rooms.get(roomId)?.last;
  }

  positions(): Record<RoomId, number> {
    return Object.fromEntries(Array.from(this.#rooms, ([id, { last }]) => [id, last]));
  }

  /**
   * Takes over the rooms of a new connection; rooms that are new start at what the server says.
   *
   * @param joined rooms that are not the user's: the resume enters them again.
   */
  start(rooms: readonly HelloRoom[], limits: ClientLimits, joined: ReadonlySet<RoomId>): void {
    const listed = new Set([...rooms.map(({ id }) => id), ...joined]);
    for (const id of [...this.#rooms.keys()]) if (!listed.has(id)) this.remove(id);
    for (const { id, last } of rooms) this.add(id, last);
    this.#frameBytes = limits.frameBytes;
  }

  /** Asks for all that came while there was no connection. */
  resume(): void {
    const frames = this.#resumeFrames();
    this.#outstanding = frames.length;
    this.#resumeLater(this.#options.timing.resumeMs);
    for (const rooms of frames) this.#options.resume(rooms);
  }

  /** An error came where the answer to a resume was awaited; that one room is refused does not end the others. */
  refused({ code, retryAfterMs }: { code: ErrorCode; retryAfterMs?: number }): void {
    if (ERRORS[code]?.retryable) this.#resumeLater(retryAfterMs ?? 1000);
  }

  accept(message: Message): void {
    // A room that nobody announced: what it held before is not known to be missing.
    this.add(message.roomId, message.prev ?? 0);
    this.#rooms.get(message.roomId)!.accept(message);
    this.#repair(message.roomId);
  }

  skip(gap: { roomId: RoomId; from: number; to: number }): void {
    this.add(gap.roomId, gap.from);
    this.#rooms.get(gap.roomId)!.skip(gap);
    this.#repair(gap.roomId);
  }

  /** The answer to a resume: what stands here is complete up to its date. */
  vouch(rooms: Record<RoomId, number>): void {
    for (const [id, last] of Object.entries(rooms)) {
      this.#rooms.get(id)?.vouch(last);
      this.#repair(id);
    }
    if (this.#outstanding === 0) return;
    this.#outstanding--;
    if (this.#outstanding === 0) this.#finish();
  }

  /** Starts a room at a date, unless it has a position already. */
  add(roomId: RoomId, last: number): void {
    if (!this.#rooms.has(roomId)) this.#rooms.set(roomId, new Timeline(roomId, last, this.#options));
  }

  remove(roomId: RoomId): void {
    this.#rooms.delete(roomId);
    this.#forget(roomId);
  }

  /** The connection is gone: positions stay, the rest is up to the next resume. */
  disconnect(): void {
    clearTimeout(this.#watch);
    this.#outstanding = 0;
    for (const [id, timeline] of this.#rooms) {
      timeline.release();
      this.#forget(id);
    }
  }

  clear(): void {
    this.disconnect();
    this.#rooms.clear();
  }

  #finish(): void {
    clearTimeout(this.#watch);
    for (const id of this.#rooms.keys()) this.#repair(id);
    this.#options.resumed();
  }

  #resumeLater(ms: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (this.#options.isReady()) this.resume();
      else this.#resumeLater(ms);
    }, ms);
  }

  /** Sees to it that a room with something missing is repaired. */
  #repair(id: RoomId): void {
    const timeline = this.#rooms.get(id);
    if (!timeline?.holding) {
      this.#forget(id);
      return;
    }
    const repair = this.#repairs.get(id);
    if (repair?.at === timeline.last) return;
    if (repair) clearTimeout(repair.timer);
    this.#later(id, timeline, this.#options.timing.askMs, () => {
      this.#options.resume({ [id]: timeline.last });
      this.#later(id, timeline, this.#options.timing.giveUpMs, () => {
        this.#forget(id);
        timeline.giveUp();
        this.#repair(id);
      });
    });
  }

  #later(id: RoomId, timeline: Timeline, delayMs: number, then: () => void): void {
    const timer = setTimeout(() => {
      // The resume under way brings it as well; and while the server is degraded it has no answer.
      if (this.resuming || !this.#options.isReady()) this.#later(id, timeline, delayMs, then);
      else then();
    }, delayMs);
    this.#repairs.set(id, { timer, at: timeline.last });
  }

  #forget(id: RoomId): void {
    const repair = this.#repairs.get(id);
    if (!repair) return;
    clearTimeout(repair.timer);
    this.#repairs.delete(id);
  }

  /** All positions, in as few frames as the server's limits allow; one at least, as it waits for one. */
  #resumeFrames(): Record<RoomId, number>[] {
    let frame: Record<RoomId, number> = {};
    let rooms = 0;
    let bytes = 0;
    const frames = [frame];
    for (const [id, { last }] of this.#rooms) {
      const size = id.length + String(last).length + '"":,'.length;
      if (rooms === LIMITS.resumeRooms || bytes + size > this.#frameBytes - 64) {
        frame = {};
        rooms = 0;
        bytes = 0;
        frames.push(frame);
      }
      frame[id] = last;
      rooms++;
      bytes += size;
    }
    return frames;
  }
}
