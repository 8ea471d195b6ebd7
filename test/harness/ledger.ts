import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatApi, ChatClient, ChatEvents } from '@chat/client';
import { LIMITS, type Message, type RoomId, type ServerFrame } from '@chat/protocol';
import { keys } from '@chat/store';
import type { Redis } from 'ioredis';
import type { ChatSocket } from './chat-socket.ts';
import { idOf, type LedgerEntry, type LedgerReport, reportOf } from './ledger-report.ts';
import { LedgerView } from './ledger-view.ts';
import { readPage } from './read-page.ts';

interface LedgerOptions {
  redis: Redis;
  /** Repairs that the replicas have made since the ledger was opened. */
  repairs?: () => Promise<number>;
}

/** A client's events: those of a ChatClient, here or in another process. */
export interface ClientEvents {
  on<Name extends keyof ChatEvents>(name: Name, handler: (data: ChatEvents[Name]) => void): void;
}

const POLL_MS = 100;
/** How exactly the time is known at which a bare socket got something. */
const READ_MS = 50;
let ledgers = 0;

/** Accounts for every message: sent, acknowledged, stored, delivered to whom and when. */
export class Ledger {
  readonly #redis: Redis;
  readonly #repairs: () => Promise<number>;
  readonly #prefix = `l${process.pid}.${++ledgers}.`;
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #views = new Set<LedgerView>();
  /** Bare sockets, and how many of their frames were read. */
  readonly #sockets = new Map<ChatSocket, { view: LedgerView; read: number }>();
  readonly #filling = new Set<Promise<void>>();
  #reading: NodeJS.Timeout | undefined;
  #faultEndedAt: number | undefined;

  constructor({ redis, repairs = async () => 0 }: LedgerOptions) {
    this.#redis = redis;
    this.#repairs = repairs;
  }

  get sent(): number {
    return this.#entries.size;
  }

  get unanswered(): number {
    let count = 0;
    for (const { date, error } of this.#entries.values()) {
      if (date === undefined && error === undefined) count++;
    }
    return count;
  }

  /** Writes down whatever a client is shown. What a gap leaves to the history is read there, as the page does. */
  watch(name: string, client: ClientEvents, api: ChatApi): LedgerView {
    const view = new LedgerView(name);
    this.#views.add(view);
    client.on('hello', ({ rooms }) => view.greeted(rooms));
    // A new private room holds nothing before its first message.
    client.on('room', ({ id }) => view.startsAfter(id, 0));
    client.on('message', (message) => view.received(message, performance.now()));
    client.on('gap', ({ roomId, from, to }) => {
      const filling = this.#fill(view, api, roomId, from, to).finally(() => this.#filling.delete(filling));
      this.#filling.add(filling);
    });
    return view;
  }

  /** The same for a bare socket, from its first frame on. */
  watchSocket(name: string, socket: ChatSocket): LedgerView {
    const view = new LedgerView(name);
    this.#views.add(view);
    this.#sockets.set(socket, { view, read: 0 });
    this.#reading ??= setInterval(() => this.#readSockets(), READ_MS);
    return view;
  }

  /** Notes a message that is about to be sent, and gives it a text that no other one has. */
  write(roomId: RoomId, bytes = 0): string {
    const id = `${this.#prefix}${this.#entries.size}`;
    this.#entries.set(id, { roomId, sentAt: performance.now() });
    return bytes > id.length + 1 ? `${id} ${'x'.repeat(bytes - id.length - 1)}` : id;
  }

  /** Sends through a client; resolves when it is answered for good. Never rejects: the ledger has the error. */
  async send(client: ChatClient, roomId: RoomId, bytes?: number): Promise<void> {
    const text = this.write(roomId, bytes);
    try {
      this.acknowledged(text, (await client.send(roomId, text)).date);
    } catch (error) {
      this.refused(text, (error as { code?: string }).code ?? String(error));
    }
  }

  /** Sends on a bare socket; the answer is read from its frames. */
  sendRaw(socket: ChatSocket, roomId: RoomId, bytes?: number): void {
    const message = this.write(roomId, bytes);
    socket.send({ type: 'message', data: { roomId, message }, cid: idOf(message) });
  }

  acknowledged(text: string, date: number): void {
    this.#entries.get(idOf(text))!.date = date;
  }

  refused(text: string, code: string): void {
    this.#entries.get(idOf(text))!.error = code;
  }

  /** The fault is over (or, if it does not end, it happened): from here it is measured how long recovery takes. */
  faultEnded(): void {
    this.#faultEndedAt = performance.now();
  }

  /** Waits until everything is answered and everybody has everything, at most so long, and says how it stands. */
  async close(timeoutMs: number): Promise<LedgerReport> {
    const deadline = performance.now() + timeoutMs;
    while (!(await this.#settled()) && performance.now() < deadline) await sleep(POLL_MS);
    clearInterval(this.#reading);
    return reportOf({
      entries: this.#entries,
      views: [...this.#views],
      stored: await this.#stored(),
      repairs: await this.#repairs(),
      faultEndedAt: this.#faultEndedAt,
    });
  }

  async #settled(): Promise<boolean> {
    this.#readSockets();
    if (this.unanswered > 0 || this.#filling.size > 0) return false;
    const rooms = [...this.#rooms()];
    const pipeline = this.#redis.pipeline();
    for (const id of rooms) pipeline.zrevrange(keys.room(id), 0, 0, 'WITHSCORES');
    const replies = (await pipeline.exec()) ?? [];
    return replies.every(([error, reply], index) => {
      if (error) throw error;
      const last = Number((reply as string[])[1] ?? 0);
      return [...this.#views].every((view) => view.last(rooms[index]!) >= last);
    });
  }

  #rooms(): Set<RoomId> {
    const rooms = new Set<RoomId>();
    for (const { roomId } of this.#entries.values()) rooms.add(roomId);
    for (const view of this.#views) for (const id of view.rooms) rooms.add(id);
    return rooms;
  }

  async #stored(): Promise<Map<RoomId, Message[]>> {
    const stored = new Map<RoomId, Message[]>();
    for (const id of this.#rooms()) {
      const members = await this.#redis.zrange(keys.room(id), '0', '-1');
      const messages = members.map((member) => JSON.parse(member) as Message);
      stored.set(id, messages);
    }
    return stored;
  }

  #readSockets(): void {
    const now = performance.now();
    for (const [socket, place] of this.#sockets) {
      const { view, read } = place;
      place.read = socket.frames.length;
      for (const frame of socket.frames.slice(read)) this.#readFrame(view, frame, now);
    }
  }

  #readFrame(view: LedgerView, frame: ServerFrame, at: number): void {
    if (frame.type === 'hello') view.greeted(frame.data.rooms);
    else if (frame.type === 'show.room') view.startsAfter(frame.data.id, 0);
    else if (frame.type === 'message') view.received(frame.data, at);
    else if (frame.type === 'ack' || frame.type === 'error') {
      const entry = this.#entries.get(frame.data.cid ?? '');
      if (!entry) return;
      if (frame.type === 'ack') entry.date = frame.data.date;
      else entry.error = frame.data.code;
    }
  }

  async #fill(view: LedgerView, api: ChatApi, roomId: RoomId, from: number, to: number): Promise<void> {
    view.gapped(roomId, from);
    for (let after = from; after < to; ) {
      const page = await readPage(api, roomId, after);
      for (const message of page) if (message.date <= to) view.filled(message);
      if (page.length < LIMITS.pageSize) return;
      after = page.at(-1)!.date;
    }
  }
}
