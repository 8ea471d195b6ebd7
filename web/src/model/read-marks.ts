import type { RoomId, UserId } from '@chat/protocol';

/** The part of localStorage that is used. */
export type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

/** Up to which date (seconds) a user has read each room, remembered by this browser and shared by its tabs. */
export class ReadMarks {
  readonly key: string;
  readonly #storage: Storage | undefined;
  #marks: Map<RoomId, number>;

  constructor(user: UserId, storage: Storage | undefined) {
    this.key = `chat.read.${user}`;
    this.#storage = storage;
    this.#marks = new Map();
    this.merge();
  }

  get(room: RoomId): number | undefined {
    return this.#marks.get(room);
  }

  /** True in a browser in which the user has read nothing yet. */
  get isEmpty(): boolean {
    return this.#marks.size === 0;
  }

  /** Moves a mark forward; false when it is there already. */
  read(room: RoomId, date: number): boolean {
    if (date <= (this.#marks.get(room) ?? -1)) return false;
    this.#marks.set(room, date);
    return true;
  }

  save(): void {
    this.merge();
    try {
      this.#storage?.setItem(this.key, JSON.stringify(Object.fromEntries(this.#marks)));
    } catch {
      // A full or forbidden storage costs the marks after a reload, nothing else.
    }
  }

  /** Takes over what other tabs have read. */
  merge(): void {
    for (const [room, date] of Object.entries(this.#stored())) {
      if (typeof date === 'number' && date > (this.#marks.get(room) ?? -1)) this.#marks.set(room, date);
    }
  }

  #stored(): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(this.key) ?? '{}');
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
      return {};
    }
  }
}
