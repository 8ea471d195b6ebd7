import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { describeRun, type Measured, measuredRun } from '../measured-run.ts';
import { openSockets, senders } from '../room.ts';
import type { Target } from '../targets/target.ts';

export const FANOUT_SOCKETS = 900;
/** A server whose last delivery comes so long after the last send is overloaded. */
export const BEHIND_MS = 2000;
const RECOVER_MS = 3000;

export interface FanoutPoint extends Measured {
  rate: number;
}

/** CPU per delivery and latency at fixed rates into one room over all servers. */
export async function measureFanout(
  bench: Bench,
  target: Target,
  rates: readonly number[],
): Promise<FanoutPoint[]> {
  const generator = bench.generator();
  const points: FanoutPoint[] = [];
  await openSockets(target, generator, FANOUT_SOCKETS);
  for (const rate of rates) {
    const streams = senders(target, FANOUT_SOCKETS);
    const measured = await measuredRun(target, generator, {
      rate,
      seconds: bench.options.duration,
      warm: bench.options.warm,
      streams,
    });
    points.push({ rate, ...measured });
    bench.log(`${target.name} ${rate}/s: ${describeRun(measured)}`);
    // What did not keep up still sends the messages of this rate: the next one begins with new sockets.
    if (measured.complaints.length === 0 && measured.ledger.drainMs < BEHIND_MS) continue;
    await generator.close();
    await sleep(RECOVER_MS);
    await openSockets(target, generator, FANOUT_SOCKETS);
  }
  generator.stop();
  return points;
}
