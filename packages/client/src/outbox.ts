import {
  type ClientFrame,
  ERRORS,
  type ErrorCode,
  LIMITS,
  RETRY_WINDOW,
  type RoomId,
  utf8Length,
} from '@chat/protocol';
import { Backoff } from './backoff.ts';
import { newCid } from './cid.ts';
import { ChatError } from './errors.ts';

/** What the sender is told once the message is stored. */
export interface Sent {
  cid: string;
  date: number;
}

export interface Refusal {
  code: ErrorCode;
  message: string;
  retryAfterMs?: number;
}

export interface OutboxOptions {
  /** False when there is no connection to send on. */
  send(frame: ClientFrame): boolean;
  /** A message got no answer within ackMs on a connection that seems to live. */
  unanswered(): void;
  ackMs: number;
  maxQueued: number;
  random: () => number;
}

interface Entry {
  readonly roomId: RoomId;
  readonly message: string;
  readonly cid: string;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: ChatError) => void;
  /** Sent on this connection and not answered yet. */
  inFlight: boolean;
  /** Milliseconds since 1970 when it went out first without its fate being known; a further try then says so. */
  doubtfulSince: number | undefined;
  sentAt: number;
  /** How often the server said `internal`. */
  failures: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Refused before anything was stored. */
const UNTOUCHED = new Set<ErrorCode>(['rate_limited', 'busy', 'draining']);
/** `internal` may be this message's own fault, so it must not block its room for ever. */
const MAX_INTERNAL = 5;

/**
 * The messages that are not acknowledged yet. Of each room one is under way at a time, so none can overtake another,
 * whatever is refused, lost or tried again.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #rooms = new Map<RoomId, Entry[]>();
  readonly #entries = new Map<string, Entry>();
  readonly #backoff: Backoff;
  #open: boolean = false;
  #pause: { timer: ReturnType<typeof setTimeout>; until: number } | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ minMs: 500, maxMs: 5000, random: options.random });
  }

  /**
   * Queues a message.
   *
   * @param limits bytes of a message's text and of a frame that the server takes.
   * @returns rejects with the server's code when it refuses the message for good, `message_too_large` or
   *   `frame_too_large` by its size, `busy` when too many wait already.
   */
  add(
    roomId: RoomId,
    message: string,
    limits: { messageBytes: number; frameBytes: number } = LIMITS,
  ): Promise<Sent> {
    if (this.#entries.size >= this.#options.maxQueued) {
      return Promise.reject(
        new ChatError('busy', `${this.#options.maxQueued} messages wait to be sent already`),
      );
    }
    if (utf8Length(message) > limits.messageBytes) {
      const text = `a message has at most ${limits.messageBytes} bytes of text`;
      return Promise.reject(new ChatError('message_too_large', text));
    }
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        roomId,
        message,
        cid: newCid(),
        resolve,
        reject,
        inFlight: false,
        doubtfulSince: undefined,
        sentAt: 0,
        failures: 0,
        timer: undefined,
      };
      // Sent all the same, it would cost the connection, again and again. Escapes make six bytes of one.
      if (utf8Length(JSON.stringify(frameOf(entry, true))) > limits.frameBytes) {
        return reject(new ChatError('frame_too_large', `a frame has at most ${limits.frameBytes} bytes`));
      }
      this.#entries.set(entry.cid, entry);
      const room = this.#rooms.get(roomId) ?? [];
      this.#rooms.set(roomId, room);
      room.push(entry);
      this.#sendFirst(room);
    });
  }

  /** The connection takes messages now. */
  open(): void {
    this.#open = true;
    for (const room of this.#rooms.values()) {
      const first = room[0]!;
      if (first.inFlight) this.#awaitAnswer(first);
      else this.#sendFirst(room);
    }
  }

  /** The server stores nothing at the moment: what is under way waits there, the rest waits here. */
  hold(): void {
    this.#open = false;
    for (const [first] of this.#rooms.values()) clearTimeout(first!.timer);
  }

  /** The connection is gone: what was under way may be stored or not. */
  disconnect(): void {
    this.hold();
    this.#resume();
    for (const [first] of this.#rooms.values()) {
      if (!first!.inFlight) continue;
      first!.inFlight = false;
      first!.doubtfulSince ??= first!.sentAt;
    }
  }

  /** The message is stored: its ack came, or the message itself. */
  settle(cid: string, date: number): void {
    const entry = this.#entries.get(cid);
    if (!entry) return;
    this.#backoff.reset();
    this.#remove(entry);
    entry.resolve({ cid, date });
  }

  /** The server answered a message with an error. */
  refuse(cid: string, refusal: Refusal): void {
    const entry = this.#entries.get(cid);
    if (!entry) return;
    clearTimeout(entry.timer);
    entry.inFlight = false;
    const { code, message, retryAfterMs } = refusal;
    // A code of a newer server is not listed here.
    const retryable = ERRORS[code]?.retryable ?? false;
    if (code === 'internal') entry.failures++;
    if (!retryable || entry.failures >= MAX_INTERNAL) {
      this.#remove(entry);
      entry.reject(new ChatError(code, message, { retryAfterMs }));
      return;
    }
    if (!UNTOUCHED.has(code)) entry.doubtfulSince ??= entry.sentAt;
    // For all rooms: what refuses one message (the user's rate, the replica's queue) refuses the next as well.
    this.#pauseFor(retryAfterMs ?? this.#backoff.next());
  }

  /**
   * The messages of this room since the last connection stay unknown: one whose fate is in doubt for longer than the
   * server looks back for it could be stored twice, and is rejected.
   */
  missed(roomId: RoomId): void {
    const first = this.#rooms.get(roomId)?.[0];
    if (first?.doubtfulSince === undefined) return;
    if (Date.now() - first.doubtfulSince < RETRY_WINDOW * 1000) return;
    this.#remove(first);
    first.reject(new ChatError('timeout', 'it is not known whether the message was stored'));
  }

  /** Gives up all that is queued. */
  rejectAll(error: ChatError): void {
    this.hold();
    this.#resume();
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#rooms.clear();
    for (const entry of entries) entry.reject(error);
  }

  #sendFirst(room: Entry[]): void {
    const entry = room[0];
    if (!entry || entry.inFlight || !this.#open || this.#pause) return;
    if (!this.#options.send(frameOf(entry, entry.doubtfulSince !== undefined))) return;
    entry.inFlight = true;
    entry.sentAt = Date.now();
    this.#awaitAnswer(entry);
  }

  #awaitAnswer(entry: Entry): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.#options.unanswered(), this.#options.ackMs);
  }

  #remove(entry: Entry): void {
    clearTimeout(entry.timer);
    this.#entries.delete(entry.cid);
    const room = this.#rooms.get(entry.roomId)!;
    room.splice(room.indexOf(entry), 1);
    if (room.length === 0) this.#rooms.delete(entry.roomId);
    else this.#sendFirst(room);
  }

  #pauseFor(ms: number): void {
    const until = Date.now() + ms;
    if (this.#pause && this.#pause.until >= until) return;
    this.#resume();
    const timer = setTimeout(() => {
      this.#pause = undefined;
      for (const room of this.#rooms.values()) this.#sendFirst(room);
    }, ms);
    this.#pause = { timer, until };
  }

  #resume(): void {
    clearTimeout(this.#pause?.timer);
    this.#pause = undefined;
  }
}

function frameOf({ roomId, message, cid }: Entry, retry: boolean): ClientFrame {
  const frame: ClientFrame = { type: 'message', data: { roomId, message }, cid };
  return retry ? { ...frame, retry } : frame;
}
