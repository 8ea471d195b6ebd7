import type { RoomId, UserId } from '@chat/protocol';
import { signal } from '@preact/signals';

/** A typing frame counts for so long, in milliseconds; clients repeat theirs every 2 s. */
const FADE_MS = 4000;

/** Who is typing in which room. */
export class Typing {
  readonly now = signal<readonly { roomId: RoomId; from: UserId; until: number }[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;

  start(roomId: RoomId, from: UserId): void {
    const others = this.now.peek().filter((entry) => entry.roomId !== roomId || entry.from !== from);
    this.now.value = [...others, { roomId, from, until: Date.now() + FADE_MS }];
    this.#timer ??= setTimeout(() => this.#fade(), FADE_MS);
  }

  stop(roomId: RoomId, from: UserId): void {
    if (!this.now.peek().some((entry) => entry.roomId === roomId && entry.from === from)) return;
    this.now.value = this.now.peek().filter((entry) => entry.roomId !== roomId || entry.from !== from);
  }

  #fade(): void {
    const left = this.now.peek().filter((entry) => entry.until > Date.now());
    this.now.value = left;
    const next = Math.min(...left.map((entry) => entry.until)) - Date.now();
    this.#timer = left.length > 0 ? setTimeout(() => this.#fade(), Math.max(next, 50)) : undefined;
  }
}
