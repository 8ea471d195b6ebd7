import { join } from 'node:path';
import { type Child, startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import type { Bench } from '../bench.ts';
import { CpuWindow } from '../cpu-window.ts';
import { compile } from '../generator/compile.ts';
import type { Ledger } from '../generator/generator.ts';
import { flaws } from '../ledger.ts';
import { connect } from '../room.ts';
import { FANOUT_SOCKETS } from './fanout.ts';

export interface Floor {
  rate: number;
  bytes: number;
  /** CPU per send() of one frame to one socket, in microseconds. */
  cpuPerSend: number;
  /** Why it does not count, as frames were missed; empty when it does. */
  complaints: string[];
  p99: number;
}

/**
 * What one send() costs here: as many processes and sockets as in the fan-out, the same bytes, one frame a call.
 *
 * @returns undefined where there is no C compiler
 * @throws when a socket is refused
 */
export async function measureFloor(
  bench: Bench,
  processes: number,
  bytes: number,
  rate: number,
): Promise<Floor | undefined> {
  const program = compile('floor/floor.c', bench.directory);
  if (!program) return undefined;
  const generator = bench.generator();
  const children: { child: Child; pid: number; port: number }[] = [];
  for (let n = 0; n < processes; n++) {
    const port = await freePort();
    const child = await startChild({
      name: 'floor',
      command: program,
      args: [port, rate, Math.round(bytes)].map(String),
      logFile: join(bench.directory, 'floor.log'),
    });
    bench.keep({ stop: () => void child.kill('SIGKILL') });
    children.push({ child, pid: child.pid, port });
  }
  const place = { name: 'floor', wire: 'chat', path: '/', servers: children } as const;
  await connect({ ...place, tokens: () => Promise.resolve(undefined) }, generator, FANOUT_SOCKETS);
  const window = new CpuWindow({ floor: children.map(({ pid }) => pid) });
  const { duration, warm } = bench.options;
  // Ticks begin a second after the last connection.
  const ledger = await generator.listen({ ...window, seconds: duration, warm: warm + 1.5 });
  generator.stop();
  for (const { child } of children) child.kill('SIGKILL');
  const { seconds, received, cores } = window.result();
  const cpuPerSend = (cores.floor! * seconds * 1e6) / received;
  const complaints = missed(ledger);
  bench.log(
    `floor ${rate}/s: ${cpuPerSend.toFixed(2)} us per send() of ${Math.round(bytes)} bytes; ` +
      `${complaints.join(', ') || 'nothing missed'}`,
  );
  return { rate, bytes, cpuPerSend, complaints, p99: ledger.latency.p99 };
}

function missed({ gaps, duplicates, closed, latency }: Ledger): string[] {
  const found = [];
  if (gaps > 0) found.push(`${gaps} frames missed`);
  if (duplicates > 0) found.push(`${duplicates} doubled or late`);
  if (closed > 0) found.push(`${closed} sockets closed`);
  return flaws(found, latency);
}
