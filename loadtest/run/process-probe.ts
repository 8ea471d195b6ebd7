import { cpuSeconds, residentBytes, startTicks } from '../proc-stat.ts';

/** What a process has used at one moment. */
export interface Usage {
  /** Of all its threads since its start. */
  cpuSeconds: number;
  residentBytes: number;
  /** Another one after a restart. Seconds since 1970, or clock ticks since the machine's start. */
  startedAt: number;
  /** Open WebSockets; only replicas tell. */
  sockets?: number;
}

const TIMEOUT_MS = 2000;

/** Asks a service by GET /metrics; undefined when it does not tell. */
export async function probeMetrics(url: string): Promise<Usage | undefined> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok ? parseMetrics(await answer.text()) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads Prometheus' text format as far as it is needed. */
export function parseMetrics(text: string): Usage | undefined {
  const value = (name: string) => {
    const found = new RegExp(`^${name}(?:\\{[^}]*\\})? ([^ \\n]+)`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const cpuSeconds = value('process_cpu_seconds_total');
  const residentBytes = value('process_resident_memory_bytes');
  const startedAt = value('process_start_time_seconds');
  if (cpuSeconds === undefined || residentBytes === undefined || startedAt === undefined) return undefined;
  const sockets = value('chat_sockets');
  return { cpuSeconds, residentBytes, startedAt, ...(sockets === undefined ? {} : { sockets }) };
}

/** Looks at a process of this machine (proc(5)); undefined where there is no /proc, or no such process. */
export function probePid(pid: number): Usage | undefined {
  try {
    const resident = residentBytes(pid);
    if (resident === undefined) return undefined;
    return { cpuSeconds: cpuSeconds([pid]), residentBytes: resident, startedAt: startTicks(pid) };
  } catch {
    return undefined;
  }
}
