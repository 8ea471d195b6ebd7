import type { RoomId, UserId } from '@chat/protocol';
import { batch, computed, type Signal, signal } from '@preact/signals';
import type { ReadMarks } from '../model/read-marks.ts';
import { Room } from '../model/room.ts';
import { lineOf, type RoomLine } from '../model/room-line.ts';

/** How long (ms) a hidden page may gather changes before it shows them. */
const HIDDEN_MS = 250;

/** The rooms of the user. Changes are shown once a frame, however many messages a second arrive. */
export class Rooms {
  readonly lines = signal<readonly RoomLine[]>([]);
  readonly unread = computed(() => this.lines.value.reduce((sum, line) => sum + line.unread, 0));
  readonly #me: UserId;
  readonly #marks: ReadMarks;
  readonly #rooms = new Map<RoomId, Room>();
  readonly #lines = new Map<RoomId, RoomLine>();
  readonly #versions = new Map<RoomId, Signal<number>>();
  readonly #touched = new Set<Room>();
  #scheduled = false;

  constructor(me: UserId, marks: ReadMarks) {
    this.#me = me;
    this.#marks = marks;
  }

  get(id: RoomId): Room | undefined {
    return this.#rooms.get(id);
  }

  /** The room, made known if it is not yet. */
  meet(id: RoomId): Room {
    const known = this.#rooms.get(id);
    if (known) return known;
    const room = new Room(id, this.#me);
    this.#rooms.set(id, room);
    this.touch(room);
    return room;
  }

  forget(id: RoomId): void {
    const room = this.#rooms.get(id);
    if (!room) return;
    this.#rooms.delete(id);
    this.touch(room);
  }

  /** Forgets the rooms that are not among these. */
  keep(ids: ReadonlySet<RoomId>): void {
    for (const id of [...this.#rooms.keys()]) if (!ids.has(id)) this.forget(id);
  }

  /** Rooms, the one that was used last first. */
  recent(): Room[] {
    return [...this.#rooms.values()].sort((a, b) => b.last - a.last);
  }

  /** Read while rendering: renders again when the room changes. */
  version(id: RoomId): number {
    return this.#version(id).value;
  }

  /** Says that the room changed. */
  touch(room: Room): void {
    this.#touched.add(room);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Hidden pages get no frames.
    if (document.hidden) setTimeout(() => this.flush(), HIDDEN_MS);
    else requestAnimationFrame(() => this.flush());
  }

  touchAll(): void {
    for (const room of this.#rooms.values()) this.touch(room);
  }

  /** Shows at once what changed. */
  flush(): void {
    this.#scheduled = false;
    if (this.#touched.size === 0) return;
    batch(() => {
      for (const room of this.#touched) {
        if (this.#rooms.get(room.id) !== room) this.#lines.delete(room.id);
        else this.#lines.set(room.id, lineOf(room, this.#marks.get(room.id) ?? 0, this.#me));
        this.#version(room.id).value++;
      }
      this.#touched.clear();
      this.lines.value = [...this.#lines.values()];
    });
  }

  #version(id: RoomId): Signal<number> {
    const version = this.#versions.get(id) ?? signal(0);
    this.#versions.set(id, version);
    return version;
  }
}
