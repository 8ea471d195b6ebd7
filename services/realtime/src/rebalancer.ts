import type { Logger } from '@chat/kit';
import { sendAway } from './drain.ts';
import type { RealtimeMetrics } from './metrics.ts';
import { OtherReplicas } from './other-replicas.ts';
import type { WsPeer } from './ws-peer.ts';

const INTERVAL_MS = 1000;
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
  readonly #others = new OtherReplicas();
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

  /** Another server's heartbeat. One that names no number of sockets takes none: it drains, or is not ready. */
  heard(serverId: string, data: unknown): void {
    const sockets = (data as { sockets?: unknown } | null)?.sockets;
    const isCount = typeof sockets === 'number' && Number.isInteger(sockets) && sockets >= 0;
    this.#others.heard(serverId, isCount ? sockets : undefined);
  }

  #balance(): void {
    const { peers, metrics, logger, enabled } = this.#options;
    // What the others have is known as of their last heartbeats: who came here since then may have come to them as well.
    const size = Math.min(peers.size, this.#before);
    this.#before = peers.size;
    const others = this.#others.counts();
    const count = enabled() ? toShed(size, others, this.#shedding) : 0;
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
    const unreached = this.#others.asked(shed, shareOf(size, others));
    if (unreached.length > 0)
      logger.warn({ servers: unreached }, 'clients that were asked to reconnect do not arrive there');
  }
}

function shareOf(own: number, others: readonly number[]): number {
  return others.reduce((sum, sockets) => sum + sockets, own) / (others.length + 1);
}

/**
 * How many sockets to shed in this second.
 *
 * @param own sockets here
 * @param others sockets of each other server
 * @param shedding sockets were shed in the second before: go on until the share is reached
 */
export function toShed(own: number, others: readonly number[], shedding: boolean): number {
  const share = shareOf(own, others);
  const surplus = own - share;
  const uneven = own > share * (shedding ? END : BEGIN) || Math.min(...others) < share * BEGIN_EMPTIEST;
  if (surplus < MIN_SURPLUS || !uneven) return 0;
  return Math.max(1, Math.floor(surplus * SHARE));
}
