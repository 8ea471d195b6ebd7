import { CpuWindow } from './cpu-window.ts';
import type { Generator, Ledger, RunOptions } from './generator/generator.ts';
import { complaints } from './ledger.ts';
import { ROOM_LIMIT } from './room.ts';
import type { Target } from './targets/target.ts';

/** What one run cost and brought, between its warm-up and its end. */
export interface Measured {
  ledger: Ledger;
  /** Empty when nothing was lost, doubled or out of order, and every send was acknowledged and stored. */
  complaints: string[];
  deliveriesPerSecond: number;
  acksPerSecond: number;
  /** CPU of the servers per delivery, in microseconds. */
  cpuPerDelivery: number;
  /** Cores used: servers, redis, generator, machine (all there is), and what was asked for beside. */
  cores: Record<string, number>;
}

/**
 * Runs the generator against a target, and reads the CPU time of the processes at the right moments.
 *
 * @param more further groups of processes whose CPU is of interest
 */
export async function measuredRun(
  target: Target,
  generator: Generator,
  options: Omit<RunOptions, 'onSteady' | 'onEnd'>,
  more: Record<string, readonly number[]> = {},
): Promise<Measured> {
  const servers = target.servers.map(({ pid }) => pid);
  const window = new CpuWindow({ servers, redis: [target.redisPid], ...more });
  const rooms = [...new Set(options.streams.map(({ room }) => room))];
  const before = await storedIn(target, rooms);
  const ledger = await generator.run({ ...options, onSteady: window.onSteady, onEnd: window.onEnd });
  const found = complaints(ledger);
  const stored = (await storedIn(target, rooms)) - before;
  // A full room is trimmed, and then its length says nothing.
  if (stored !== ledger.sent && before + ledger.sent <= ROOM_LIMIT)
    found.push(`${stored} of ${ledger.sent} sends stored`);
  const { seconds, received, acked, cores } = window.result();
  return {
    ledger,
    complaints: found,
    deliveriesPerSecond: received / seconds,
    acksPerSecond: acked / seconds,
    cpuPerDelivery: (cores.servers! * seconds * 1e6) / received,
    cores,
  };
}

async function storedIn(target: Target, rooms: readonly string[]): Promise<number> {
  const counts = await Promise.all(rooms.map((room) => target.stored(room)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** One line about a run. */
export function describeRun({ ledger, cores, ...measured }: Measured): string {
  const { p50, p99 } = ledger.latency;
  const ok = measured.complaints.length === 0 ? 'nothing lost' : measured.complaints.join(', ');
  const used = Object.entries(cores).map(([name, share]) => `${name} ${share.toFixed(2)}`);
  const cost =
    measured.deliveriesPerSecond > 0 ? `${measured.cpuPerDelivery.toFixed(2)} us of CPU each, ` : '';
  return (
    `${Math.round(measured.deliveriesPerSecond)} deliveries/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ` +
    `${cost}${ok} (cores: ${used.join(', ')})`
  );
}
