import { readFileSync } from 'node:fs';

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

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Looks at a process of this machine (proc(5)); undefined where there is no /proc, or no such process. */
export function probePid(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces: count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    // A process that has ended and is not waited for yet has none.
    if (kilobytes === undefined) return undefined;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      residentBytes: Number(kilobytes) * 1024,
      startedAt: Number(fields[19]),
    };
  } catch {
    return undefined;
  }
}
