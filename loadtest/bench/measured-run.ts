import type { Generator, Ledger, Mark, RunOptions } from './generator/generator.ts';
import { cpuSeconds, machineCpu } from './processes.ts';
import { complaints } from './room.ts';
import type { Target } from './targets/target.ts';

/** What one run cost and brought, between its warm-up and its end. */
export interface Measured {
  ledger: Ledger;
  /** Empty when nothing was lost, doubled or out of order, and every send acknowledged and stored. */
  complaints: string[];
  deliveriesPerSecond: number;
  acksPerSecond: number;
  /** CPU of the servers per delivery, in microseconds. */
  cpuPerDelivery: number;
  /** Cores used, 1 = one core. */
  cores: { servers: number; redis: number; generator: number; machine: number };
}

/** Pids beside the servers whose CPU is of interest, by name. */
export type Extra = Record<string, number>;

/** Runs the generator against a target and reads the CPU time of the processes at the right moments. */
export async function measuredRun(
  target: Target,
  generator: Generator,
  options: Omit<RunOptions, 'onSteady' | 'onEnd'>,
): Promise<Measured> {
  const pids = target.servers.map(({ pid }) => pid);
  const look = (mark: Mark) => ({
    mark,
    at: performance.now() / 1000,
    servers: cpuSeconds(pids),
    redis: cpuSeconds([target.redisPid]),
    machine: machineCpu().busy,
  });
  let steady: ReturnType<typeof look> | undefined;
  let end: ReturnType<typeof look> | undefined;
  const rooms = [...new Set(options.streams.map(({ room }) => room))];
  const before = await storedIn(target, rooms);
  const ledger = await generator.run({
    ...options,
    onSteady: (mark) => {
      steady = look(mark);
    },
    onEnd: (mark) => {
      end = look(mark);
    },
  });
  if (!steady || !end) throw new Error('the generator told no beginning or end');
  const seconds = end.at - steady.at;
  const deliveries = end.mark.received - steady.mark.received;
  const found = complaints(ledger);
  const stored = (await storedIn(target, rooms)) - before;
  if (stored !== ledger.sent && !found.length) found.push(`${stored} of ${ledger.sent} sends stored`);
  return {
    ledger,
    complaints: found,
    deliveriesPerSecond: deliveries / seconds,
    acksPerSecond: (end.mark.acked - steady.mark.acked) / seconds,
    cpuPerDelivery: ((end.servers - steady.servers) * 1e6) / deliveries,
    cores: {
      servers: (end.servers - steady.servers) / seconds,
      redis: (end.redis - steady.redis) / seconds,
      generator: (end.mark.cpu - steady.mark.cpu) / seconds,
      machine: (end.machine - steady.machine) / seconds,
    },
  };
}

async function storedIn(target: Target, rooms: readonly string[]): Promise<number> {
  const counts = await Promise.all(rooms.map((room) => target.stored(room)));
  return counts.reduce((sum, count) => sum + count, 0);
}
