import { join } from 'node:path';
import { type Child, startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import type { Bench } from '../bench.ts';
import { CpuWindow } from '../cpu-window.ts';
import { compile } from '../generator/compile.ts';
import { FANOUT_SOCKETS } from './fanout.ts';

export interface Floor {
  rate: number;
  bytes: number;
  /** CPU per send() of one frame to one socket, in microseconds. */
  cpuPerSend: number;
  /** False when frames were missed: the figure is then worth nothing. */
  whole: boolean;
  p99: number;
}

/** What one send() costs here: as many processes and sockets as in the fan-out, the same bytes, one frame a call. */
export async function measureFloor(
  bench: Bench,
  processes: number,
  bytes: number,
  rate: number,
): Promise<Floor | undefined> {
  const program = compile('floor/floor.c', bench.directory);
  if (!program) return undefined;
  const generator = bench.generator();
  const children: { child: Child; port: number }[] = [];
  for (let label = 0; label < processes; label++) {
    const port = await freePort();
    const child = await startChild({
      name: 'floor',
      command: program,
      args: [port, rate, Math.round(bytes)].map(String),
      logFile: join(bench.directory, 'floor.log'),
    });
    bench.keep({ stop: () => void child.kill('SIGKILL') });
    children.push({ child, port });
  }
  for (const [label, { port }] of children.entries()) {
    await generator.open({ label, port, count: FANOUT_SOCKETS / processes, wire: 'chat', path: '/' });
  }
  const window = new CpuWindow({ floor: children.map(({ child }) => child.pid) });
  const { duration, warm } = bench.options;
  // Ticks begin a second after the last connection.
  const ledger = await generator.listen({ ...window, seconds: duration, warm: warm + 1.5 });
  generator.stop();
  for (const { child } of children) child.kill('SIGKILL');
  const { seconds, received, cores } = window.result();
  const cpuPerSend = (cores.floor! * seconds * 1e6) / received;
  const { gaps, duplicates, closed, latency } = ledger;
  const whole = gaps + duplicates + closed === 0;
  bench.log(
    `floor ${rate}/s: ${cpuPerSend.toFixed(2)} us per send() of ${Math.round(bytes)} bytes${whole ? '' : ' (frames missed)'}`,
  );
  return { rate, bytes, cpuPerSend, whole, p99: latency.p99 };
}
