import { performance } from 'node:perf_hooks';
import type { Logger } from '@chat/kit';
import { sendAway } from './drain.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { WsPeer } from './ws-peer.ts';

const INTERVAL_MS = 1000;
/** A server not heard for so long, in milliseconds, is not counted on. */
const SILENT_MS = 5000;
/**
 * Shedding begins when this server has so much more than its share, or another one so much less: of many servers each
 * has little more than its share when one is empty. It ends when this one is near its share.
 */
const BEGIN = 1.1;
const BEGIN_EMPTIEST = 0.9;
const END = 1.02;
/** A surplus below this many sockets is not worth a reconnect. */
const MIN_SURPLUS = 5;
/** The part of the surplus that is shed in a second: most of it is gone in 10 s, though some come back. */
const SHARE = 0.2;

interface RebalancerOptions {
  peers: ReadonlySet<WsPeer>;
  metrics: RealtimeMetrics;
  logger: Logger;
  /** False while the server drains or its storage is away. */
  enabled: () => boolean;
}

/**
 * Evens out the sockets of the replicas. A balancer spreads new connections only: after a scale-up the new replica
 * would stay empty. Each replica hears the others' counts in their heartbeats, and a fuller one asks some of its
 * clients, slowly, to reconnect.
 */
export class Rebalancer {
  readonly #options: RebalancerOptions;
  readonly #others = new Map<string, { sockets: number; heardAt: number }>();
  #timer: NodeJS.Timeout | undefined;
  #shedding = false;
  /** Sockets here at the last look. */
  #before = 0;

  constructor(options: RebalancerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#balance(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Another server's heartbeat. One that names no number of sockets takes none: it is draining. */
  heard(serverId: string, data: unknown): void {
    const sockets = (data as { sockets?: unknown } | null)?.sockets;
    if (typeof sockets === 'number' && Number.isInteger(sockets) && sockets >= 0)
      this.#others.set(serverId, { sockets, heardAt: performance.now() });
    else this.#others.delete(serverId);
  }

  #balance(): void {
    const { peers, metrics, logger, enabled } = this.#options;
    // What the others have is known as of their last heartbeats: who came here since then may have come to them as well.
    const size = Math.min(peers.size, this.#before);
    this.#before = peers.size;
    if (!enabled()) return;
    const count = toShed(size, this.#counts(), this.#shedding);
    if (count > 0 && !this.#shedding)
      logger.info({ sockets: peers.size }, 'more sockets than others: shedding some');
    this.#shedding = count > 0;
    let shed = 0;
    for (const peer of peers) {
      if (shed === count) break;
      // Who is about to resume has just come, and who came for this replica would come back.
      if (peer.park || peer.pinned) continue;
      sendAway(peer);
      shed++;
    }
    metrics.rebalanced += shed;
  }

  /** The sockets of the others that live. */
  #counts(): number[] {
    const since = performance.now() - SILENT_MS;
    for (const [serverId, { heardAt }] of this.#others) if (heardAt < since) this.#others.delete(serverId);
    return Array.from(this.#others.values(), ({ sockets }) => sockets);
  }
}

/**
 * How many sockets to shed in this second.
 *
 * @param own sockets here
 * @param others sockets of each other server
 * @param shedding sockets were shed in the second before: go on until the share is reached
 */
export function toShed(own: number, others: readonly number[], shedding: boolean): number {
  const share = others.reduce((sum, sockets) => sum + sockets, own) / (others.length + 1);
  const surplus = own - share;
  const uneven = own > share * (shedding ? END : BEGIN) || Math.min(...others) < share * BEGIN_EMPTIEST;
  if (surplus < MIN_SURPLUS || !uneven) return 0;
  return Math.max(1, Math.floor(surplus * SHARE));
}
