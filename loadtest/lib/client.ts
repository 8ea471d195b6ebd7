import { type ErrorEvent, type MessageEvent, WebSocket } from 'k6/websockets';
import { afterClose } from '../../packages/protocol/src/close-codes.ts';
import { ERRORS, type ErrorCode } from '../../packages/protocol/src/error-codes.ts';
import type { ClientFrame, ServerFrame } from '../../packages/protocol/src/frames.ts';
import { fetchGap } from './gap.ts';
import type { Meter } from './meter.ts';
import { Outbox, type Pending } from './outbox.ts';
import { decodePayload } from './payload.ts';
import type { Plan } from './plan.ts';
import type { RoomLedger, Verdict } from './room-ledger.ts';

interface ClientOptions {
  index: number;
  token: string;
  plan: Pick<Plan, 'owner' | 'urls' | 'serverIds'>;
  ledgers: readonly RoomLedger[];
  meter: Meter;
}

const BACKOFF_MS = { first: 200, most: 5000 };
/** Without a hello for so long a connection has failed, whatever it waits for. */
const HELLO_MS = 10_000;
/** A server that cannot take a message now and does not say when. */
const RETRY_MS = 1000;
/** Codes that were printed: of all clients of a VU the first that gets one tells it. */
const told = new Set<ErrorCode>();

/**
 * A chat client: it connects, resumes its rooms, keeps account of every message, and comes back when it is cut, with
 * what it had not been acknowledged.
 */
export class Client {
  /** The replica it is connected to; empty before the first hello. */
  serverId = '';
  /** When it last heard something of this run, in milliseconds since 1970. */
  heardAt = 0;
  readonly index: number;
  readonly outbox = new Outbox();
  readonly #options: ClientOptions;
  readonly #ledgers: ReadonlyMap<string, RoomLedger>;
  #socket: WebSocket | undefined;
  /** True between the end of a resume and the end of the connection. */
  #live = false;
  #attempt = 0;
  #helloAt = 0;
  #finished = false;
  #fetching = 0;
  #reconnect: ReturnType<typeof setTimeout> | undefined;
  /** Told once the first resume is through. */
  #onReady: (() => void) | undefined;

  constructor(options: ClientOptions) {
    this.index = options.index;
    this.#options = options;
    this.#ledgers = new Map(options.ledgers.map((ledger) => [ledger.roomId, ledger]));
  }

  get ledgers(): Iterable<RoomLedger> {
    return this.#ledgers.values();
  }

  /** True when everything that was sent is acknowledged, and everything that others sent is here. */
  get complete(): boolean {
    if (this.outbox.size > 0 || this.#fetching > 0) return false;
    for (const ledger of this.#ledgers.values()) if (!ledger.complete) return false;
    return true;
  }

  /** Connects, and resolves once it receives. It goes on trying, so it may never resolve. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      this.#onReady = resolve;
      this.#open();
    });
  }

  /** Sends, now or as soon as there is a connection, until it is acknowledged. */
  send(pending: Pending): void {
    this.outbox.add(pending);
    if (this.#live) this.#transmit(pending);
  }

  /** Ends the connection from this side, and comes back. */
  cut(comebackMs: number): void {
    this.#drop();
    this.#later(comebackMs);
  }

  /** Ends it for good. */
  close(): void {
    this.#finished = true;
    clearTimeout(this.#reconnect);
    this.#drop();
  }

  #open(): void {
    const { index, plan, token, meter } = this.#options;
    const { urls } = plan;
    // Another one at each attempt: the replica behind the last one may be gone.
    const url = urls[(index + this.#attempt) % urls.length]!;
    this.#attempt++;
    const startedAt = Date.now();
    const socket = new WebSocket(url, null, {
      headers: { Authorization: `Bearer ${token}` },
      tags: { name: url.replace(/\?.*$/, '') },
    });
    this.#socket = socket;
    let greeted = false;
    let sentAway = false;
    let closed = false;
    const patience = setTimeout(() => {
      socket.close();
      ended(0, 'no hello');
    }, HELLO_MS);
    const ended = (code: number, reason: string) => {
      if (closed) return;
      closed = true;
      clearTimeout(patience);
      if (greeted) meter.sockets--;
      if (this.#socket !== socket) return;
      if (!greeted) meter.count('connect_failed');
      else if (!sentAway) meter.count('cut');
      this.#ended(code, reason);
    };
    socket.addEventListener('message', (event) => {
      // k6 hands on what is in its queue after this side has closed as well.
      if (this.#socket !== socket) return;
      const { data, timestamp } = event as MessageEvent;
      const frame = JSON.parse(data as string) as ServerFrame;
      if (!greeted && frame.type === 'hello') {
        greeted = true;
        clearTimeout(patience);
        meter.sockets++;
        meter.count('connected');
        meter.time('connect', timestamp - startedAt);
      }
      if (frame.type === 'reconnect') sentAway = true;
      this.#receive(frame, timestamp);
    });
    socket.addEventListener('error', (event) => {
      // A failed upgrade has no close event.
      if (!greeted) ended(0, (event as ErrorEvent).error);
    });
    socket.addEventListener('close', (event) => {
      const { code = 0, reason = '' } = event as unknown as { code?: number; reason?: string };
      ended(code, reason);
    });
  }

  #receive(frame: ServerFrame, arrivedAt: number): void {
    switch (frame.type) {
      case 'message':
        this.#message(frame.data, arrivedAt);
        return;
      case 'ack':
        this.#acknowledged(this.outbox.take(frame.data.cid), arrivedAt);
        return;
      case 'hello':
        this.#arrivedOn(frame.data.serverId);
        this.#resume(arrivedAt);
        return;
      case 'resumed':
        this.#goLive(arrivedAt);
        return;
      case 'gap':
        this.#gap(frame.data);
        return;
      case 'reconnect':
        // Whatever comes before the close that follows still counts.
        this.#options.meter.count('sent_away');
        this.#later(frame.data.afterMs);
        return;
      case 'error':
        this.#refused(frame.data);
    }
  }

  #arrivedOn(serverId: string): void {
    const { plan, meter } = this.#options;
    if (this.serverId !== '' && !plan.serverIds.includes(serverId)) meter.count('new_replica');
    this.serverId = serverId;
  }

  #resume(arrivedAt: number): void {
    this.#helloAt = arrivedAt;
    const rooms = Object.fromEntries([...this.#ledgers].map(([id, ledger]) => [id, ledger.last]));
    this.#transmitFrame({ type: 'resume', data: { rooms } });
  }

  #goLive(arrivedAt: number): void {
    this.#options.meter.time('resume', arrivedAt - this.#helloAt);
    this.#attempt = 1;
    this.#live = true;
    this.#onReady?.();
    this.#onReady = undefined;
    for (const pending of this.outbox.all()) this.#transmit(pending);
  }

  #message(message: Extract<ServerFrame, { type: 'message' }>['data'], arrivedAt: number): void {
    const ledger = this.#ledgers.get(message.roomId);
    if (!ledger) return;
    const { meter } = this.#options;
    const payload = decodePayload(message.message);
    const gapsBefore = ledger.gaps;
    const verdict = ledger.take(message, payload);
    if (ledger.gaps > gapsBefore) meter.count('gaps');
    this.#enter(verdict);
    if (verdict !== 'delivered' || payload?.kind !== 'data') return;
    meter.frame(arrivedAt);
    // What a resume brings was delayed by the absence, not by the cluster.
    if (this.#live)
      meter.time(payload.serverId === this.serverId ? 'same' : 'across', arrivedAt - payload.sentAt);
    else meter.count('resumed');
  }

  #enter(verdict: Verdict): void {
    const { meter } = this.#options;
    if (verdict !== 'other') this.heardAt = Date.now();
    if (verdict === 'delivered' || verdict === 'late') meter.count('received');
    if (verdict === 'late') meter.count('disorder');
    if (verdict === 'duplicate') meter.count('duplicates');
  }

  #acknowledged(pending: Pending | undefined, arrivedAt: number): void {
    this.heardAt = Date.now();
    if (!pending || pending.members === 0) return;
    const { meter } = this.#options;
    meter.count('sent');
    meter.count('expected', pending.members);
    if (!pending.tried) meter.time('ack', arrivedAt - pending.sentAt);
  }

  #refused({ cid, code, message, retryAfterMs }: Extract<ServerFrame, { type: 'error' }>['data']): void {
    this.#options.meter.count('refused');
    const pending = this.outbox.find(cid);
    // A newer server may have other codes.
    const again = pending !== undefined && ERRORS[code]?.retryable === true;
    if (!again && !told.has(code)) {
      told.add(code);
      console.error(`client ${this.index}: the server answered ${code}: ${message}`);
    }
    if (!pending) return;
    if (!again) {
      this.outbox.giveUp(pending);
      return;
    }
    pending.tried = true;
    setTimeout(() => {
      if (this.#live && this.outbox.find(pending.cid)) this.#transmit(pending);
    }, retryAfterMs ?? RETRY_MS);
  }

  #gap({ roomId, from, to }: Extract<ServerFrame, { type: 'gap' }>['data']): void {
    const ledger = this.#ledgers.get(roomId);
    if (!ledger) return;
    ledger.skipTo(to);
    this.#fetching++;
    const enter = (text: string) => {
      const verdict = ledger.enter(decodePayload(text));
      if (verdict === 'delivered') this.#options.meter.count('refetched');
      this.#enter(verdict);
    };
    void fetchGap({ roomId, from, to, token: this.#options.plan.owner.token }, enter)
      .catch((error: unknown) => console.error(`room ${roomId}: ${String(error)}`))
      .finally(() => this.#fetching--);
  }

  #transmit(pending: Pending): void {
    const { roomId, cid, tried } = pending;
    if (pending.text === undefined) {
      pending.sentAt = Date.now();
      pending.text = pending.compose(pending.sentAt);
    }
    const frame: ClientFrame = { type: 'message', data: { roomId, message: pending.text }, cid };
    this.#transmitFrame(tried ? { ...frame, retry: true } : frame);
  }

  #transmitFrame(frame: ClientFrame): void {
    // The close may have come, and its event still wait.
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  #ended(code: number, reason: string): void {
    this.#forget();
    if (this.#finished) return;
    if (code !== 0 && afterClose(code) === 'stop') {
      console.error(`client ${this.index}: closed for good with ${code} ${reason}`);
      return;
    }
    if (this.#reconnect === undefined) this.#later(this.#backoff());
  }

  #backoff(): number {
    return Math.random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#attempt);
  }

  #later(ms: number): void {
    clearTimeout(this.#reconnect);
    this.#reconnect = setTimeout(() => {
      this.#reconnect = undefined;
      this.#drop();
      if (!this.#finished) this.#open();
    }, ms);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#forget();
    socket?.close();
  }

  #forget(): void {
    this.#socket = undefined;
    this.#live = false;
    for (const pending of this.outbox.all()) if (pending.text !== undefined) pending.tried = true;
  }
}
