import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, residentBytes } from '../../proc-stat.ts';
import type { Bench } from '../bench.ts';
import type { Generator, Latency } from '../generator/generator.ts';
import { checkOpen } from '../room.ts';
import type { Target } from '../targets/target.ts';

const IDLE_SOCKETS = 5000;
/** Seconds between the closing of all sockets and the next opening. */
const RECOVER_SECONDS = 5;

/** What open sockets cost on one server, and upgrades. */
export interface Idle extends Upgrades {
  sockets: number;
  /** Bytes of RSS per idle socket: of a fresh process to that with all sockets, after a settle. */
  bytesPerSocket: number;
  residentBefore: number;
  residentAfter: number;
}

/** Of a process that has just started, and of the same once it has closed them all. */
export interface Upgrades {
  cold: Upgrade;
  warm: Upgrade;
}

interface Upgrade {
  perSecond: number;
  /** Microseconds of the server, user and system. */
  cpuPerUpgrade: number;
  latency: Latency;
}

/**
 * Opens sockets on one server twice, and weighs the first ones when they have been idle for a while.
 *
 * @throws Error when a socket is refused or closed again
 */
export async function measureIdle(bench: Bench, target: Target): Promise<Idle> {
  const generator = bench.generator();
  const { pid } = target.servers[0]!;
  await target.tokens(IDLE_SOCKETS);
  await sleep(bench.options.settle * 1000);
  const residentBefore = resident(pid);
  const cold = await open(target, generator);
  await sleep(bench.options.settle * 1000);
  await checkOpen(target, generator);
  const residentAfter = resident(pid);
  const bytesPerSocket = (residentAfter - residentBefore) / IDLE_SOCKETS;
  bench.log(
    `${target.name} idle: ${Math.round(bytesPerSocket)} bytes of RSS per socket ` +
      `(${mega(residentBefore)} to ${mega(residentAfter)} MB)`,
  );
  const warm = await openAgain(bench, target, generator);
  return { sockets: IDLE_SOCKETS, bytesPerSocket, residentBefore, residentAfter, cold, warm };
}

/** Opens sockets on one server twice, and weighs nothing. @throws Error when one is refused */
export async function measureUpgrades(bench: Bench, target: Target): Promise<Upgrades> {
  const generator = bench.generator();
  const cold = await open(target, generator);
  return { cold, warm: await openAgain(bench, target, generator) };
}

async function openAgain(bench: Bench, target: Target, generator: Generator): Promise<Upgrade> {
  await generator.close();
  await sleep(RECOVER_SECONDS * 1000);
  const warm = await open(target, generator);
  generator.stop();
  bench.log(
    `${target.name}: ${Math.round(warm.perSecond)} upgrades/s, ${Math.round(warm.cpuPerUpgrade)} us of CPU each`,
  );
  return warm;
}

async function open(target: Target, generator: Generator): Promise<Upgrade> {
  const { servers, wire, path } = target;
  const { pid, port } = servers[0]!;
  const tokens = await target.tokens(IDLE_SOCKETS);
  const before = cpuSeconds([pid]);
  const asked = { label: 0, port, count: IDLE_SOCKETS, wire, path, tokens };
  const { opened, failed, seconds, latency, firstError } = await generator.open(asked);
  if (failed > 0) throw new Error(`${target.name}: ${failed} upgrades were refused: ${firstError}`);
  const cpuPerUpgrade = ((cpuSeconds([pid]) - before) * 1e6) / opened;
  return { perSecond: opened / seconds, cpuPerUpgrade, latency };
}

function resident(pid: number): number {
  const bytes = residentBytes(pid);
  if (bytes === undefined) throw new Error(`process ${pid} has ended`);
  return bytes;
}

function mega(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
