import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { cpuSeconds } from '../proc-stat.ts';

interface WrkOptions {
  url: string;
  token: string;
  seconds: number;
  connections: number;
  /** The process that answers. */
  pid: number;
  /** A Lua file that makes the requests. */
  script?: string;
}

export interface HttpLoad {
  requestsPerSecond: number;
  p99Ms: number;
  /** Microseconds of the server process, user and system. */
  cpuPerRequest: number;
}

export function hasWrk(): boolean {
  return spawnSync('wrk', ['-v']).error === undefined;
}

/** As many requests as the connections take. @throws Error with wrk's output when one failed. */
export async function runWrk({
  url,
  token,
  seconds,
  connections,
  pid,
  script,
}: WrkOptions): Promise<HttpLoad> {
  const before = cpuSeconds([pid]);
  const { stdout: output } = await promisify(execFile)('wrk', [
    ...['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', `Authorization: Bearer ${token}`],
    ...(script === undefined ? [] : ['-s', script]),
    url,
  ]);
  const cpu = cpuSeconds([pid]) - before;
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(output);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)![1]),
    p99Ms: milliseconds(/99%\s+(\S+)/.exec(output)![1]!),
    cpuPerRequest: (cpu / Number(/(\d+) requests in/.exec(output)![1])) * 1e6,
  };
}

/** Of a time as wrk writes it: 812.00us, 1.35ms or 1.02s. */
function milliseconds(text: string): number {
  const value = Number.parseFloat(text);
  if (text.endsWith('us')) return value / 1000;
  return text.endsWith('ms') ? value : value * 1000;
}
