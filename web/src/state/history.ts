import type { ChatApi } from '@chat/client';
import type { Message } from '@chat/protocol';
import type { Gap, Room } from '../model/room.ts';

/** Messages read at once. */
const PAGE = 50;
const PREVIEW = 30;
const GAP_PAGE = 100;
/** Rooms whose newest messages are read ahead, for the list's preview and counts, and how many at a time. */
const PREVIEWED = 40;
const AT_ONCE = 3;
/** A date after all messages. Reading before a date never tears messages of one date apart. */
const END_OF_TIME = 1e12;

interface HistorySink {
  changed(room: Room): void;
  failed(error: unknown): void;
}

/** Reads rooms from the history service into {@link Room}, each thing once at a time. */
export class History {
  readonly #api: ChatApi;
  readonly #sink: HistorySink;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(api: ChatApi, sink: HistorySink) {
    this.#api = api;
    this.#sink = sink;
  }

  /** The newest messages, unless they are here already. */
  open(room: Room, size = PAGE): Promise<void> {
    if (room.loaded) return Promise.resolve();
    return this.#once(`open ${room.id}`, room, async () => {
      const messages = await this.#read(room, { before: END_OF_TIME, size });
      room.add(messages);
      const isAll = messages.length < size;
      room.complete ||= isAll;
      room.cover(isAll ? 0 : Math.min(...messages.map((message) => message.date)));
      room.loaded = true;
    });
  }

  /** The messages before the oldest one that is here. */
  older(room: Room): Promise<void> {
    if (!room.loaded) return this.open(room);
    const oldest = room.messages[0];
    if (!oldest || room.complete) return Promise.resolve();
    return this.#once(`older ${room.id}`, room, async () => {
      const messages = await this.#read(room, { before: oldest.date, size: PAGE });
      room.add(messages);
      room.complete ||= messages.length < PAGE;
    });
  }

  /** The messages around the first one after a date, where the newest ones do not reach back to it. */
  around(room: Room, date: number): Promise<void> {
    const oldest = room.messages[0]?.date ?? END_OF_TIME;
    return this.#once(`around ${room.id}`, room, async () => {
      const after = await this.#read(room, { after: date, size: PAGE });
      const before = await this.#read(room, { before: after[0]?.date ?? oldest, size: PREVIEW });
      room.add([...before, ...after]);
      room.addGap({ from: Math.max(...after.map((message) => message.date), date), to: oldest });
      room.complete = before.length < PREVIEW;
    });
  }

  /** The first of the messages that are missing in a gap. */
  fill(room: Room, gap: Gap): Promise<void> {
    return this.#once(`gap ${room.id} ${gap.from}`, room, async () => {
      const messages = await this.#read(room, { after: gap.from, size: GAP_PAGE });
      room.add(messages.filter((message) => message.date <= gap.to));
      const reached = Math.max(...messages.map((message) => message.date), gap.from);
      room.narrowGap(gap, messages.length < GAP_PAGE ? gap.to : reached);
    });
  }

  /** Reads the rooms that were used last ahead, a few at a time. */
  async preview(rooms: readonly Room[]): Promise<void> {
    const queue = rooms.filter((room) => !room.loaded && room.last > 0).slice(0, PREVIEWED);
    const worker = async () => {
      for (let room = queue.shift(); room; room = queue.shift()) await this.open(room, PREVIEW);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  isBusy(room: Room): boolean {
    return this.#busy.has(`open ${room.id}`) || this.#busy.has(`older ${room.id}`);
  }

  #read(room: Room, range: { before?: number; after?: number; size: number }): Promise<Message[]> {
    return this.#api.messages(room.id, range);
  }

  #once(key: string, room: Room, work: () => Promise<void>): Promise<void> {
    const running = this.#busy.get(key);
    if (running) return running;
    const run = this.#run(room, work).finally(() => {
      this.#busy.delete(key);
      this.#sink.changed(room);
    });
    this.#busy.set(key, run);
    this.#sink.changed(room);
    return run;
  }

  async #run(room: Room, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      room.problem = undefined;
    } catch (error) {
      room.problem = error instanceof Error ? error.message : String(error);
      this.#sink.failed(error);
    }
  }
}
