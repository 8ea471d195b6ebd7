import { GENERAL, type RoomId, type UserId } from '@chat/protocol';
import { signal } from '@preact/signals';
import type { ReadMarks } from '../model/read-marks.ts';
import type { Room } from '../model/room.ts';
import type { Rooms } from './rooms.ts';

const SAVE_MS = 400;

/** Which room is open, and what of it has been read. */
export class Reading {
  readonly openId = signal<RoomId>(GENERAL);
  /** Up to where the open room had been read when unread messages began to pile up in it. */
  readonly divider = signal<number | undefined>(undefined);
  readonly #rooms: Rooms;
  readonly #marks: ReadMarks;
  readonly #me: UserId;
  /** The newest message of the open room is in sight. */
  #watching = false;
  /** The date of the last message on the screen, when newer ones are not there. */
  #end: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(rooms: Rooms, marks: ReadMarks, me: UserId) {
    this.#rooms = rooms;
    this.#marks = marks;
    this.#me = me;
  }

  open(id: RoomId): void {
    if (this.openId.peek() === id) return;
    this.#watching = false;
    this.#end = undefined;
    this.divider.value = undefined;
    this.openId.value = id;
    this.divide();
  }

  /** Draws the line above what is unread in the open room. */
  divide(): void {
    const room = this.#rooms.get(this.openId.peek());
    if (!room || this.divider.peek() !== undefined) return;
    const read = this.#marks.get(room.id) ?? 0;
    if (room.firstUnread(read, this.#me) !== undefined) this.divider.value = read;
  }

  /** Tells what is on the screen. `end` is the date of the last message there, when newer ones are not. */
  watch(watching: boolean, end?: number): void {
    this.#watching = watching;
    this.#end = end;
    const room = this.#rooms.get(this.openId.peek());
    if (watching && room?.loaded) this.#read(room);
  }

  /** To be called after others' or own messages were added to a room. */
  arrived(room: Room): void {
    const open = room.id === this.openId.peek();
    room.shrink(open ? this.#end : undefined);
    if (!open) return;
    if (this.#watching && !document.hidden) this.#read(room);
    else this.divide();
  }

  /** Takes a room's messages up to a date (seconds) as read, unless it is known what was read of it. */
  begin(id: RoomId, date: number): void {
    if (this.#marks.get(id) === undefined) this.#mark(id, date);
  }

  #read(room: Room): void {
    if (this.#mark(room.id, room.last)) this.#rooms.touch(room);
  }

  #mark(id: RoomId, date: number): boolean {
    if (!this.#marks.read(id, date)) return false;
    this.#timer ??= setTimeout(() => this.save(), SAVE_MS);
    return true;
  }

  /** Writes down what was read. */
  save(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#marks.save();
  }
}
