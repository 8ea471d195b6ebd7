import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Latency, Opened } from '../generator/generator.ts';
import { cpuSeconds, residentBytes } from '../../proc-stat.ts';
import type { Target } from '../targets/target.ts';

export const IDLE_SOCKETS = 5000;

/** What upgrades and open sockets cost on one server. */
export interface Idle {
  sockets: number;
  /** Bytes of RSS per idle socket: of a fresh process to that with all sockets, after a settle. */
  bytesPerSocket: number;
  residentBefore: number;
  residentAfter: number;
  /** Of a process that has just started, and of the same once it has closed them all. */
  cold: Upgrades;
  warm: Upgrades;
}

export interface Upgrades {
  perSecond: number;
  cpuPerUpgrade: number;
  latency: Latency;
}

/** Opens sockets on one server twice, and weighs them when they have been idle for a while. */
export async function measureIdle(bench: Bench, target: Target): Promise<Idle> {
  const generator = bench.generator();
  const { pid, port } = target.servers[0]!;
  const tokens = await target.tokens(IDLE_SOCKETS);
  await sleep(bench.options.settle * 1000);
  const residentBefore = resident(pid);
  const open = async (): Promise<Upgrades> => {
    const cpu = cpuSeconds([pid]);
    const opened = await generator.open({
      label: 0,
      port,
      count: IDLE_SOCKETS,
      wire: target.wire,
      path: target.path,
      tokens,
    });
    return upgrades(opened, cpuSeconds([pid]) - cpu);
  };
  const cold = await open();
  await sleep(bench.options.settle * 1000);
  const residentAfter = resident(pid);
  await generator.close();
  await sleep(Math.min(bench.options.settle, 5) * 1000);
  const warm = await open();
  generator.stop();
  const bytesPerSocket = (residentAfter - residentBefore) / IDLE_SOCKETS;
  bench.log(
    `${target.name} idle: ${Math.round(bytesPerSocket)} bytes of RSS per socket ` +
      `(${mega(residentBefore)} to ${mega(residentAfter)} MB), ` +
      `${Math.round(warm.perSecond)} upgrades/s warm, ${Math.round(cold.perSecond)} cold, ` +
      `${Math.round(warm.cpuPerUpgrade)} us of CPU each`,
  );
  return { sockets: IDLE_SOCKETS, bytesPerSocket, residentBefore, residentAfter, cold, warm };
}

function upgrades({ opened, failed, seconds, latency, firstError }: Opened, cpu: number): Upgrades {
  if (failed > 0) throw new Error(`${failed} upgrades were refused: ${firstError}`);
  return { perSecond: opened / seconds, cpuPerUpgrade: (cpu * 1e6) / opened, latency };
}

function resident(pid: number): number {
  const bytes = residentBytes(pid);
  if (bytes === undefined) throw new Error(`process ${pid} has ended`);
  return bytes;
}

function mega(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
