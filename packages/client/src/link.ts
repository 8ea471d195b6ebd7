import { afterClose, CLOSE, type ClientFrame, type ServerFrame } from '@chat/protocol';
import type { Backoff } from './backoff.ts';
import { Connection, type End } from './connection.ts';
import { ChatError } from './errors.ts';
import { onWake } from './page.ts';
import type { SocketConstructor } from './socket.ts';
import type { Timing } from './timing.ts';
import type { Urls } from './urls.ts';

/**
 * `idle`: not asked to connect. `connecting`: a socket is being opened. `online`: the server said hello.
 * `degraded`: connected, and the server cannot store messages at the moment. `waiting`: until the next attempt.
 * `stopped`: the server ended it for good, see the event `stopped`.
 */
export type ChatState = 'idle' | 'connecting' | 'online' | 'degraded' | 'waiting' | 'stopped';

export interface StateChange {
  state: ChatState;
  reason?: string;
  /** Milliseconds until the next attempt, while `waiting`. */
  retryInMs?: number;
}

export interface LinkOptions {
  urls: Urls;
  backoff: Backoff;
  timing: Timing;
  token: string | undefined;
  WebSocket: SocketConstructor;
  /** True to say at the upgrade that a resume frame will follow hello. */
  resumes(): boolean;
  onState(change: StateChange): void;
  onFrame(frame: ServerFrame): void;
  onRoundTrip(ms: number): void;
  /** A connection that had said hello ended. */
  onDown(): void;
  onStopped(end: { code: number; reason: string }): void;
}

/** Keeps one connection to the server alive: chooses the address, waits, tries again, stops when told to. */
export class Link {
  readonly #options: LinkOptions;
  #state: ChatState = 'idle';
  #connection: Connection | undefined;
  #greetedAt: number | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** When the server wants us to reconnect; nothing else may bring that forward. */
  #appointment: number | undefined;
  #stopListening: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): ChatState {
    return this.#state;
  }

  get isConnected(): boolean {
    return this.#state === 'online' || this.#state === 'degraded';
  }

  /** Starts; does nothing when started. */
  open(): void {
    if (this.#state !== 'idle' && this.#state !== 'stopped') return;
    this.#stopListening = onWake(() => this.#wake());
    this.#begin();
  }

  close(): void {
    if (this.#state === 'idle') return;
    this.#halt();
    this.#setState({ state: 'idle' });
  }

  /** False when there is no connection to send on. */
  send(frame: ClientFrame): boolean {
    return this.isConnected && this.#connection!.send(frame);
  }

  ping(): Promise<number> {
    if (!this.isConnected) return Promise.reject(new ChatError('network', 'there is no connection'));
    return this.#connection!.ping();
  }

  /** Gives up a connection that does not do its work, and makes a new one. */
  replace(reason: string): void {
    this.#connection?.fail(reason);
  }

  /** Starts a round over the addresses. */
  #begin(): void {
    this.#options.urls.begin();
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#appointment = undefined;
    const { urls, timing, token, WebSocket, onRoundTrip } = this.#options;
    this.#connection = new Connection({
      url: this.#options.resumes() ? withResume(urls.current) : urls.current,
      token,
      WebSocket,
      openMs: urls.hasNext ? timing.openMs : timing.openLastMs,
      timing,
      onRoundTrip,
      onFrame: (frame) => this.#receive(frame),
      onEnd: (end) => this.#ended(end),
    });
    // Last, as a handler may call close().
    this.#setState({ state: 'connecting' });
  }

  #receive(frame: ServerFrame): void {
    const connection = this.#connection;
    switch (frame.type) {
      case 'hello':
        this.#greetedAt = Date.now();
        this.#options.urls.worked();
        this.#setState({ state: 'online' });
        break;
      case 'degraded':
        this.#setState({ state: 'degraded', reason: frame.data.reason });
        break;
      case 'restored':
        this.#setState({ state: 'online' });
        break;
      case 'reconnect':
        this.#appoint(frame.data.afterMs);
        break;
    }
    // A handler of the state event may have closed it.
    if (this.#connection === connection) this.#options.onFrame(frame);
  }

  /** The server spreads its clients over time itself, so its delay is kept as it is, also when it closes before. */
  #appoint(afterMs: number): void {
    clearTimeout(this.#retry);
    this.#appointment = Date.now() + afterMs;
    this.#retry = setTimeout(() => {
      this.#connection?.close();
      this.#down();
      this.#begin();
    }, afterMs);
  }

  #ended(end: End): void {
    this.#down();
    const reason = end.reason || `closed with ${end.code}`;
    if (afterClose(end.code) === 'stop') {
      this.#halt();
      this.#state = 'stopped';
      this.#options.onStopped({ code: end.code, reason });
      // Not when a handler has started it anew.
      if (this.state === 'stopped') this.#setState({ state: 'stopped', reason });
    } else if (this.#appointment !== undefined) {
      this.#setState({ state: 'waiting', reason, retryInMs: Math.max(0, this.#appointment - Date.now()) });
    } else if (!end.greeted && end.code !== CLOSE.tooFast.code && this.#options.urls.hasNext) {
      this.#options.urls.next();
      this.#connect();
    } else this.#wait(this.#delayAfter(end), reason);
  }

  #delayAfter({ code, retryAfterMs }: End): number {
    if (retryAfterMs !== undefined) return retryAfterMs;
    return code === CLOSE.tooFast.code ? this.#options.backoff.long() : this.#options.backoff.next();
  }

  #wait(ms: number, reason: string): void {
    this.#retry = setTimeout(() => this.#begin(), ms);
    this.#setState({ state: 'waiting', reason, retryInMs: ms });
  }

  /** Takes leave of the connection. */
  #down(): void {
    this.#connection = undefined;
    const greetedAt = this.#greetedAt;
    this.#greetedAt = undefined;
    if (greetedAt === undefined) return;
    if (Date.now() - greetedAt >= this.#options.timing.stableMs) this.#options.backoff.reset();
    this.#options.onDown();
  }

  #halt(): void {
    clearTimeout(this.#retry);
    this.#appointment = undefined;
    this.#stopListening?.();
    this.#connection?.close();
    this.#down();
  }

  /** The page is looked at again or the network changed: no reason to wait longer, or to trust the old line. */
  #wake(): void {
    if (this.isConnected) this.#connection!.probe();
    else if (this.#state === 'waiting' && this.#appointment === undefined) this.#begin();
  }

  #setState(change: StateChange): void {
    this.#state = change.state;
    this.#options.onState(change);
  }
}

function withResume(address: string): string {
  const url = new URL(address);
  url.searchParams.set('resume', '1');
  return url.href;
}
