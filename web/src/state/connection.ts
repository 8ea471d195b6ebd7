import type { ChatClient, StateChange } from '@chat/client';
import { signal } from '@preact/signals';
import { Latency } from '../model/latency.ts';

const PROBE_MS = 2000;
/** A connection that is back after less time (ms) than this was not missed. */
const LOST_MS = 700;
/** Own messages whose way is being timed, at most. */
const MOST_TIMED = 200;

/** The connection as the page shows it: its state, the replica at its other end, and how long things take. */
export class Connection {
  readonly state = signal<StateChange>({ state: 'idle' });
  /** When a waiting connection tries again, in milliseconds since 1970. */
  readonly retryAt = signal<number | undefined>(undefined);
  /** There has been no connection for a while: worth a word. */
  readonly lost = signal(false);
  /** The browser has no network: known long before a connection is found to be dead. */
  readonly offline = signal(!navigator.onLine);
  readonly serverId = signal('');
  /** Changes with every sample. */
  readonly samples = signal(0);
  /** A ping to the replica and back. */
  readonly roundTrip = new Latency();
  /** An own message from send to arrival: through the replica and Redis and back. */
  readonly fanout = new Latency();
  readonly #client: ChatClient;
  readonly #sent = new Map<string, number>();
  readonly #arrived = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #closed = new AbortController();
  #losing: ReturnType<typeof setTimeout> | undefined;

  constructor(client: ChatClient) {
    this.#client = client;
    client.on('state', (state) => {
      this.state.value = state;
      this.retryAt.value = state.retryInMs === undefined ? undefined : Date.now() + state.retryInMs;
      this.#notice(state.state === 'online' || state.state === 'degraded');
    });
    client.on('hello', ({ serverId }) => {
      this.serverId.value = serverId;
    });
    client.on('message', ({ own, cid }) => {
      if (own && cid) this.#meet(cid, this.#arrived, performance.now(), this.#sent);
    });
    for (const event of ['online', 'offline']) {
      window.addEventListener(
        event,
        () => {
          this.offline.value = !navigator.onLine;
        },
        { signal: this.#closed.signal },
      );
    }
    this.#timer = setInterval(() => void this.#probe(), PROBE_MS);
  }

  /** Times an own message that was handed to the client at `started` (performance.now()). */
  time(cid: string, started: number): void {
    this.#meet(cid, this.#sent, started, this.#arrived);
  }

  close(): void {
    this.#closed.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#losing);
  }

  #notice(connected: boolean): void {
    if (connected) {
      clearTimeout(this.#losing);
      this.#losing = undefined;
      this.lost.value = false;
    } else {
      this.#losing ??= setTimeout(() => {
        this.lost.value = true;
      }, LOST_MS);
    }
  }

  // The message may arrive before its acknowledgement tells its cid, or after it.
  #meet(cid: string, mine: Map<string, number>, at: number, others: Map<string, number>): void {
    const other = others.get(cid);
    if (other === undefined) {
      mine.set(cid, at);
      if (mine.size > MOST_TIMED) mine.delete(mine.keys().next().value!);
      return;
    }
    others.delete(cid);
    this.fanout.add(Math.abs(at - other));
    this.samples.value++;
  }

  async #probe(): Promise<void> {
    // A hidden tab's timers and handlers wait: they would be measured, not the way.
    if (document.hidden || this.state.peek().state !== 'online') return;
    try {
      this.roundTrip.add(await this.#client.ping());
      this.samples.value++;
    } catch {
      // The connection went away meanwhile; its state says so.
    }
  }
}
