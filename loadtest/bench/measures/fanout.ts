import type { Bench } from '../bench.ts';
import { type Measured, measuredRun } from '../measured-run.ts';
import { openSockets, senders } from '../room.ts';
import type { Target } from '../targets/target.ts';

export const FANOUT_SOCKETS = 900;

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
    bench.log(describe(target.name, rate, measured));
  }
  generator.stop();
  return points;
}

function describe(name: string, rate: number, { ledger, cores, ...measured }: Measured): string {
  const { p50, p99 } = ledger.latency;
  const ok = measured.complaints.length === 0 ? 'nothing lost' : measured.complaints.join(', ');
  return (
    `${name} ${rate}/s: ${Math.round(measured.deliveriesPerSecond)} deliveries/s, p50 ${p50.toFixed(1)} ms, ` +
    `p99 ${p99.toFixed(1)} ms, ${measured.cpuPerDelivery.toFixed(2)} us of CPU per delivery, ${ok} ` +
    `(cores: servers ${cores.servers.toFixed(2)}, redis ${cores.redis.toFixed(2)}, ` +
    `generator ${cores.generator.toFixed(2)}, machine ${cores.machine.toFixed(2)})`
  );
}
