import type { RealtimeMetrics } from './metrics.ts';
import type { Peer } from './peer.ts';

/** Milliseconds between two looks at what waits, however little is published. */
const LOOK_MS = 1000;
/** Share of the bound that may be published between two looks. */
const STEP = 1 / 4;

interface BackpressureOptions {
  /** All connections of this replica, of each kind. */
  peers: () => Iterable<Peer>[];
  metrics: RealtimeMetrics;
  /** Bytes that may wait for all clients together. */
  maxBytes: number;
}

/**
 * Bounds the bytes that wait for slow clients in sum. The bound of a single client is no protection: a thousand of
 * them at one megabyte each fill the memory.
 *
 * Asking each socket after each frame would cost as much as the fan-out. What is published is counted instead, one
 * addition for a frame whoever gets it, and no more than that can have been added to what waits. So the sockets are
 * asked once a quarter of the bound was published (50,000 of them take 2 to 8 ms), and each second, for what was sent
 * to single clients. The fullest are cut as soon as what may be published until the next look would pass the bound.
 */
export class Backpressure {
  /** Bytes that waited at the last look. */
  waiting = 0;
  readonly #options: BackpressureOptions;
  #published = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BackpressureOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @param bytes of a frame times the number of its receivers */
  published(bytes: number): void {
    this.#published += bytes;
    if (this.#published < this.#options.maxBytes * STEP) return;
    this.#published = 0;
    // Not at once: what this turn publishes reaches the sockets when it ends.
    setTimeout(() => this.look(), 0);
  }

  look(): void {
    const behind: { peer: Peer; waiting: number }[] = [];
    this.waiting = 0;
    for (const peers of this.#options.peers()) {
      for (const peer of peers) {
        const { waiting } = peer;
        if (waiting === 0) continue;
        this.waiting += waiting;
        behind.push({ peer, waiting });
      }
    }
    const most = this.#options.maxBytes * (1 - STEP);
    if (this.waiting > most) this.#cutFullest(behind, most);
  }

  #cutFullest(behind: { peer: Peer; waiting: number }[], most: number): void {
    behind.sort((a, b) => b.waiting - a.waiting);
    for (const { peer, waiting } of behind) {
      if (this.waiting <= most) return;
      this.waiting -= waiting;
      // Those that are about to be closed were counted when they fell behind.
      if (!peer.dropped) this.#options.metrics.slowConsumers++;
      peer.cut();
    }
  }
}
