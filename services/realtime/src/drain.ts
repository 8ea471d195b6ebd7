import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE } from '@chat/protocol';
import { encodeFrame } from './frames-out.ts';
import type { Peer } from './peer.ts';

/** Sockets are asked to leave in batches this far apart, in milliseconds. */
const BATCH_MS = 100;
/** Upper end of the delay that each client is given, so that a batch does not come back in one instant. */
const SPREAD_MS = 500;

/**
 * Asks clients to reconnect, at most `rate` a second: a restart must not make a storm that takes the other replicas
 * down as well.
 */
export async function drain(peers: ReadonlySet<Peer>, rate: number): Promise<void> {
  const batch = Math.max(1, Math.floor((rate * BATCH_MS) / 1000));
  const pause = (batch / rate) * 1000;
  while (peers.size > 0) {
    for (const peer of take(peers, batch)) sendAway(peer);
    if (peers.size > 0) await sleep(pause);
  }
}

/** Asks one client to reconnect, after a delay of its own. */
export function sendAway(peer: Peer): void {
  const afterMs = Math.floor(Math.random() * SPREAD_MS);
  peer.cork(() => peer.send(encodeFrame({ type: 'reconnect', data: { afterMs } })));
  peer.end(CLOSE.restart);
}

/** The first of a set, in an array: ending a peer takes it out of the set. */
function take(peers: ReadonlySet<Peer>, count: number): Peer[] {
  const taken: Peer[] = [];
  for (const peer of peers) {
    if (taken.length === count) break;
    taken.push(peer);
  }
  return taken;
}
