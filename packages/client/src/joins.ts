import type { ClientFrame, ErrorCode, RoomId } from '@chat/protocol';
import { ChatError } from './errors.ts';

/** A room as the server names it. */
export interface RoomInfo {
  id: RoomId;
  /** Of a named room. */
  name?: string;
  /** Of a private room: its two users. */
  names?: string[];
  /** The date of its newest message when it was joined. */
  last?: number;
}

export interface JoinsOptions {
  /** False when there is no connection to send on. */
  send(frame: ClientFrame): boolean;
  answerMs: number;
}

interface Join {
  roomId: RoomId;
  since: number | undefined;
  resolve: (room: RoomInfo) => void;
  reject: (error: ChatError) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The joins that are not answered yet. One is under way at a time: an error frame does not say which it answers. */
export class Joins {
  readonly #options: JoinsOptions;
  readonly #queue: Join[] = [];
  #current: Join | undefined;

  constructor(options: JoinsOptions) {
    this.#options = options;
  }

  /** Rejects with the server's code, or with `timeout`. Without a connection it waits for the next. */
  add(roomId: RoomId, since: number | undefined): Promise<RoomInfo> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ roomId, since, resolve, reject, timer: undefined });
      this.sendFirst();
    });
  }

  /** To be called when there is a connection. */
  sendFirst(): void {
    const join = this.#queue[0];
    if (!join || this.#current) return;
    const { roomId, since } = join;
    const data = since === undefined ? { roomId } : { roomId, since };
    if (!this.#options.send({ type: 'room.join', data })) return;
    this.#current = join;
    join.timer = setTimeout(() => {
      this.#next()?.reject(new ChatError('timeout', `no answer to joining room ${roomId}`));
    }, this.#options.answerMs);
  }

  /** The date up to which the messages of a room are known that is being joined. */
  since(roomId: RoomId): number | undefined {
    return this.#current?.roomId === roomId ? this.#current.since : undefined;
  }

  /** True while the server has been asked for this room and has not answered. */
  isAsked(roomId: RoomId): boolean {
    return this.#current?.roomId === roomId;
  }

  joined(room: RoomInfo): void {
    if (this.#current?.roomId === room.id) this.#next()?.resolve(room);
  }

  /** An error frame without a cid came. */
  refused({
    code,
    message,
    retryAfterMs,
  }: {
    code: ErrorCode;
    message: string;
    retryAfterMs?: number;
  }): void {
    this.#next()?.reject(new ChatError(code, message, { retryAfterMs }));
  }

  disconnect(): void {
    clearTimeout(this.#current?.timer);
    this.#current = undefined;
  }

  rejectAll(error: ChatError): void {
    this.disconnect();
    for (const { reject } of this.#queue.splice(0)) reject(error);
  }

  /** Takes off the one under way, which is answered, and sends the one behind it. */
  #next(): Join | undefined {
    const join = this.#current;
    if (!join) return undefined;
    this.disconnect();
    this.#queue.shift();
    this.sendFirst();
    return join;
  }
}
