import type { ClientFrame, RoomId } from '@chat/protocol';

/** Tells a room that the user is typing, so often that others can show it and no more. */
export class Typing {
  readonly #send: (frame: ClientFrame) => boolean;
  readonly #everyMs: number;
  readonly #sentAt = new Map<RoomId, number>();

  constructor(send: (frame: ClientFrame) => boolean, everyMs: number) {
    this.#send = send;
    this.#everyMs = everyMs;
  }

  tell(roomId: RoomId): void {
    const now = Date.now();
    if (now - (this.#sentAt.get(roomId) ?? 0) < this.#everyMs) return;
    if (this.#send({ type: 'typing', data: { roomId } })) this.#sentAt.set(roomId, now);
  }

  /** The message is sent: what is typed next is news again. */
  done(roomId: RoomId): void {
    this.#sentAt.delete(roomId);
  }
}
