import { performance } from 'node:perf_hooks';
import { isRedisAway, type Logger } from '@chat/kit';
import type { ErrorCode, RoomId } from '@chat/protocol';
import type { Appended, Appender, Draft } from '@chat/store';
import type { RealtimeMetrics } from './metrics.ts';

/** Messages that one call appends at most: longer calls keep others waiting in Redis. */
const BATCH = 256;

/** A message on its way into Redis. */
export interface Outgoing {
  draft: Draft;
  /** Its share of the queue's bound. */
  bytes: number;
  stored(appended: Appended): void;
  failed(code: ErrorCode, message: string): void;
}

interface RoomQueue {
  readonly id: RoomId;
  waiting: Outgoing[];
  inFlight: boolean;
}

interface AppendQueueOptions {
  appender: Appender;
  /** Sends the commands given so far: all of a turn were. */
  flush: () => void;
  metrics: RealtimeMetrics;
  logger: Logger;
  /** Bounds of what waits, in messages and bytes. */
  maxMessages: number;
  maxBytes: number;
  /** Told with all that one call appended to a room, in order, before the senders are. */
  onAppended: (roomId: RoomId, batch: readonly Outgoing[], appended: readonly Appended[]) => void;
  /** Told when Redis does not answer any more; {@link AppendQueue.resume} goes on. */
  onAway: () => void;
}

/**
 * Sends on their way into Redis: all of one turn of the event loop into one room go in one call, and one call per
 * room is under way, so that order holds and a busy room makes larger batches by itself. While Redis is away they
 * wait, within bounds; what was under way when it went is looked for before it is appended again.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #rooms = new Map<RoomId, RoomQueue>();
  #due: RoomQueue[] = [];
  #scheduled = false;
  #away = false;
  #messages = 0;
  #bytes = 0;
  #drained: (() => void)[] = [];

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#messages;
  }

  /** False when the queue is full. */
  push(roomId: RoomId, outgoing: Outgoing): boolean {
    const { maxMessages, maxBytes } = this.#options;
    if (this.#messages >= maxMessages || this.#bytes + outgoing.bytes > maxBytes) return false;
    this.#messages++;
    this.#bytes += outgoing.bytes;
    let room = this.#rooms.get(roomId);
    if (!room) {
      room = { id: roomId, waiting: [], inFlight: false };
      this.#rooms.set(roomId, room);
    }
    room.waiting.push(outgoing);
    if (room.waiting.length === 1 && !room.inFlight) this.#schedule(room);
    return true;
  }

  /** Stops sending until {@link AppendQueue.resume}. */
  pause(): void {
    this.#away = true;
  }

  /** Redis is back. */
  resume(): void {
    if (!this.#away) return;
    this.#away = false;
    for (const room of this.#rooms.values())
      if (!room.inFlight && room.waiting.length > 0) this.#schedule(room);
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    if (this.#messages === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Answers all that waits with an error: the process ends. */
  abandon(): void {
    for (const room of this.#rooms.values()) {
      const waiting = room.waiting;
      room.waiting = [];
      for (const outgoing of waiting)
        this.#settle(outgoing, 'unavailable', 'the message may not be stored: send it again');
    }
  }

  #schedule(room: RoomQueue): void {
    this.#due.push(room);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const due = this.#due;
    this.#due = [];
    if (this.#away) return;
    for (const room of due) void this.#append(room);
    this.#options.flush();
  }

  async #append(room: RoomQueue): Promise<void> {
    if (room.inFlight || room.waiting.length === 0) return;
    const batch = room.waiting.length > BATCH ? room.waiting.splice(0, BATCH) : room.waiting;
    if (batch === room.waiting) room.waiting = [];
    room.inFlight = true;
    const started = performance.now();
    let appended: Appended[];
    try {
      appended = await this.#options.appender.append(
        room.id,
        batch.map(({ draft }) => draft),
      );
    } catch (error) {
      room.inFlight = false;
      this.#fail(room, batch, error);
      return;
    }
    room.inFlight = false;
    this.#options.metrics.appendBatch(batch.length, (performance.now() - started) / 1000);
    this.#options.onAppended(room.id, batch, appended);
    for (const [index, outgoing] of batch.entries()) {
      this.#forget(outgoing);
      outgoing.stored(appended[index]!);
    }
    if (room.waiting.length > 0) this.#schedule(room);
    else this.#rooms.delete(room.id);
  }

  #fail(room: RoomQueue, batch: Outgoing[], error: unknown): void {
    if (isRedisAway(error) && !isFull(error)) {
      // Stored or not, nobody knows: each is looked for before it is appended again.
      for (const { draft } of batch) draft.retry = true;
      room.waiting = batch.concat(room.waiting);
      if (this.#away) return;
      this.#away = true;
      this.#options.onAway();
      return;
    }
    this.#options.logger.error({ err: error, roomId: room.id }, 'append failed');
    const code = isFull(error) ? 'unavailable' : 'internal';
    for (const outgoing of batch) this.#settle(outgoing, code, 'the message could not be stored');
    if (room.waiting.length > 0) this.#schedule(room);
    else this.#rooms.delete(room.id);
  }

  #settle(outgoing: Outgoing, code: ErrorCode, message: string): void {
    this.#forget(outgoing);
    outgoing.failed(code, message);
  }

  #forget(outgoing: Outgoing): void {
    this.#messages--;
    this.#bytes -= outgoing.bytes;
    if (this.#messages > 0) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }
}

/** Redis reached maxmemory: waiting in the queue would not help. */
function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM');
}
