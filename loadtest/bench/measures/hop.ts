import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Latency } from '../generator/generator.ts';
import { measuredRun } from '../measured-run.ts';
import { openSockets, senders } from '../room.ts';
import type { Target } from '../targets/target.ts';

/** Slow enough that every message finds the replicas idle and no window open. */
const RATE = 20;
/** More messages than a run of normal length brings, for a p99 that means something. */
const LONGER = 3;

export interface Hop {
  /** From the date that Redis gave, and from the moment a message was due, to its arrival at another replica's socket. */
  stored: Latency;
  remote: Latency;
  /** What was lost or doubled; empty when nothing was. */
  complaints: string[];
}

/** From the date that Redis gave a message to its arrival at a socket of another replica, on an idle cluster of two or more. */
export async function measureHop(bench: Bench, target: Target): Promise<Hop> {
  const generator = bench.generator();
  const sockets = target.servers.length;
  await openSockets(target, generator, sockets);
  await sleep(1000);
  const { ledger, complaints } = await measuredRun(target, generator, {
    rate: RATE,
    seconds: bench.options.duration * LONGER,
    warm: bench.options.warm,
    streams: senders(target, sockets).slice(0, sockets),
  });
  generator.stop();
  const { stored, remote } = ledger;
  bench.log(
    `relay hop, idle: stored to received on another replica p50 ${stored.p50.toFixed(2)} ms, ` +
      `p99 ${stored.p99.toFixed(2)} ms; sent to received there p50 ${remote.p50.toFixed(2)} ms, p99 ${remote.p99.toFixed(2)} ms; ${complaints.join(', ') || 'nothing lost'}`,
  );
  return { stored, remote, complaints };
}
