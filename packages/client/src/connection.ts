import type { ClientFrame, ServerFrame } from '@chat/protocol';
import { ChatError } from './errors.ts';
import {
  type NodeSocket,
  openSocket,
  readRefusal,
  type SocketConstructor,
  type SocketLike,
} from './socket.ts';
import type { Timing } from './timing.ts';

/** How a connection ended. */
export interface End {
  /** The close code; 1006 for all that ends without one. */
  code: number;
  reason: string;
  /** The server had said hello. */
  greeted: boolean;
  /** Milliseconds after which the server wants to hear from us again, if it said so. */
  retryAfterMs?: number | undefined;
}

export interface ConnectionOptions {
  url: string;
  token: string | undefined;
  WebSocket: SocketConstructor;
  /** From now to hello, in milliseconds. */
  openMs: number;
  timing: Timing;
  onFrame(frame: ServerFrame): void;
  /** Called with the milliseconds that a ping took. */
  onRoundTrip(ms: number): void;
  /** Called once, unless close() was called before. */
  onEnd(end: End): void;
}

interface Ping {
  sentAt: number;
  resolve: (ms: number) => void;
  reject: (error: ChatError) => void;
}

/** The life of one socket: opening, frames, signs of life, the end. */
export class Connection {
  readonly #options: ConnectionOptions;
  #socket: (SocketLike & NodeSocket) | undefined;
  #greeted: boolean = false;
  #ended: boolean = false;
  #heardAt = Date.now();
  #pingedAt = Date.now();
  readonly #pings: Ping[] = [];
  #openTimer: ReturnType<typeof setTimeout> | undefined;
  #probeTimer: ReturnType<typeof setTimeout> | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#openTimer = setTimeout(() => this.fail('no hello in time'), options.openMs);
    try {
      this.#socket = openSocket(options.WebSocket, options.url, options.token);
      this.#listen(this.#socket);
    } catch (error) {
      // A page of https: may not open ws:, for example; the next address may do.
      queueMicrotask(() => this.fail((error as Error).message));
    }
  }

  /** False when the socket takes nothing any more. */
  send(frame: ClientFrame): boolean {
    if (this.#ended || !this.#greeted) return false;
    this.#socket!.send(JSON.stringify(frame));
    return true;
  }

  /** Resolves with the round trip in milliseconds; rejects with `network` when the connection ends before. */
  ping(): Promise<number> {
    this.#pingedAt = Date.now();
    return new Promise((resolve, reject) => {
      if (!this.send({ type: 'ping' })) return reject(new ChatError('network', 'there is no connection'));
      this.#pings.push({ sentAt: performance.now(), resolve, reject });
    });
  }

  /** Ends the connection soon if it turns out to be dead. */
  probe(): void {
    if (this.#probeTimer !== undefined || !this.#greeted) return;
    this.#probeTimer = setTimeout(() => this.fail('no sign of life'), this.#options.timing.probeMs);
    const alive = () => {
      clearTimeout(this.#probeTimer);
      this.#probeTimer = undefined;
    };
    this.ping().then(alive, alive);
  }

  /** Ends the connection as if the line had broken. */
  fail(reason: string): void {
    this.#end(1006, reason);
  }

  /** Ends the connection on our side; onEnd is not called. */
  close(): void {
    if (this.#ended) return;
    this.#release();
    this.#socket?.close(1000);
    this.#dropLater();
  }

  #listen(socket: SocketLike & NodeSocket): void {
    socket.onmessage = ({ data }: { data: unknown }) => this.#receive(data);
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => this.#end(code, reason);
    // A close follows; `ws` throws what nobody listens for.
    socket.onerror = () => {};
    socket.on?.('unexpected-response', (_request, response) => {
      readRefusal(response, (code, reason, retryAfterMs) => this.#end(code, reason, retryAfterMs));
    });
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    this.#heardAt = Date.now();
    const frame = parseFrame(data);
    if (frame?.type === 'hello') this.#greet();
    if (frame?.type === 'pong') this.#pong();
    if (frame) this.#options.onFrame(frame);
  }

  #greet(): void {
    clearTimeout(this.#openTimer);
    this.#greeted = true;
    const { pingMs, deadMs } = this.#options.timing;
    clearInterval(this.#ticker);
    this.#ticker = setInterval(() => this.#tick(), Math.min(pingMs, deadMs) / 5);
  }

  #tick(): void {
    const { pingMs, deadMs, probeMs } = this.#options.timing;
    const now = Date.now();
    // The ping must have had its time: timers of a hidden page run once a minute, those of a sleeping device not at all.
    const asked = this.#pings.length > 0 && now - this.#pingedAt >= Math.min(probeMs, deadMs);
    if (asked && now - this.#heardAt >= deadMs) this.fail('no sign of life');
    else if (now - this.#pingedAt >= pingMs) this.#pingQuietly();
  }

  #pingQuietly(): void {
    this.ping().catch(() => {});
  }

  /** Pings are answered in their order. */
  #pong(): void {
    const ping = this.#pings.shift();
    if (!ping) return;
    const ms = performance.now() - ping.sentAt;
    this.#options.onRoundTrip(ms);
    ping.resolve(ms);
  }

  #end(code: number, reason: string, retryAfterMs?: number): void {
    if (this.#ended) return;
    this.#release();
    this.#drop();
    this.#options.onEnd({ code, reason, greeted: this.#greeted, retryAfterMs });
  }

  #release(): void {
    this.#ended = true;
    clearTimeout(this.#openTimer);
    clearTimeout(this.#probeTimer);
    clearInterval(this.#ticker);
    const socket = this.#socket;
    if (socket) {
      socket.onmessage = null;
      socket.onclose = null;
    }
    for (const { reject } of this.#pings.splice(0)) reject(new ChatError('network', 'the connection ended'));
  }

  /** Without the closing handshake: a dead peer would not answer it. */
  #drop(): void {
    const socket = this.#socket;
    if (socket?.terminate) socket.terminate();
    else socket?.close();
  }

  /** `ws` waits 30 s for the peer's part of the closing handshake, and keeps the process alive. */
  #dropLater(): void {
    if (!this.#socket?.terminate) return;
    const timer: { unref?(): void } | number = setTimeout(() => this.#drop(), 1000);
    if (typeof timer === 'object') timer.unref?.();
  }
}

/** Undefined for what is no frame: a server of a later version may know more than text. */
function parseFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === 'string' && frame.data !== undefined ? frame : undefined;
  } catch {
    return undefined;
  }
}
