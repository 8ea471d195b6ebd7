import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE } from '@chat/protocol';
import { encodeFrame } from './frames-out.ts';
import type { Peer } from './peer.ts';

/** Sockets are asked to leave in batches this far apart, in milliseconds. */
const BATCH_MS = 100;
/** Upper end of the delay that each client is given, so that a batch does not come back in one instant. */
const SPREAD_MS = 500;

/**
 * Asks clients to reconnect, `rate` a second: a restart must not make a storm that takes the other replicas down as
 * well. When they are too many for that, they are asked faster: a storm that is spread over the time there is does less
 * harm than one in which the process is killed, with its users online and what it holds unwritten.
 *
 * @param rate sockets a second
 * @param withinMs time in milliseconds after which all are gone; at 0 they are at once
 */
export async function drain(peers: ReadonlySet<Peer>, rate: number, withinMs: number): Promise<void> {
  const endsAt = performance.now() + withinMs;
  const batch = Math.max(1, Math.floor((rate * BATCH_MS) / 1000));
  const pause = (batch / rate) * 1000;
  while (peers.size > 0) {
    const leftMs = endsAt - performance.now();
    const batches = 1 + Math.max(0, Math.floor(leftMs / pause));
    for (const peer of take(peers, Math.max(batch, Math.ceil(peers.size / batches)))) sendAway(peer);
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
