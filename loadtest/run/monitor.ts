import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterFile } from '../../test/harness/data-dir.ts';
import { probeMetrics, probePid, type Usage } from './process-probe.ts';

/** One look at a process. */
export interface Sample {
  /** Milliseconds since 1970. */
  at: number;
  /** Cores in use since the look before. */
  cpu: number;
  residentBytes: number;
  sockets?: number;
}

export interface ProcessHistory {
  name: string;
  samples: Sample[];
  /** The first look, from which the first sample counts; milliseconds since 1970. */
  since: number;
  /** Used while it was looked at, over restarts. */
  cpuSeconds: number;
}

/** A process to look at. The key stays when it is restarted. */
interface Watched {
  key: string;
  name: string;
  probe: () => Promise<Usage | undefined>;
}

/** Looks at every process of the cluster once a second until it is stopped. */
export class Monitor {
  readonly #list: () => Watched[];
  readonly #intervalMs: number;
  readonly #histories = new Map<string, ProcessHistory>();
  readonly #before = new Map<string, { at: number; usage: Usage }>();
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;

  constructor(list: () => Watched[], intervalMs = 1000) {
    this.#list = list;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves with what was seen, in the order of the list. */
  async stop(): Promise<ProcessHistory[]> {
    this.#ending.abort();
    await this.#running;
    return [...this.#histories.values()].filter(({ samples }) => samples.length > 0);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const start = Date.now();
      await Promise.all(this.#list().map((watched) => this.#look(watched)));
      await sleep(Math.max(0, this.#intervalMs - (Date.now() - start)), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  async #look({ key, name, probe }: Watched): Promise<void> {
    // Before the first wait, so that they stand in the order of the list.
    const history = this.#histories.get(key) ?? { name, samples: [], since: 0, cpuSeconds: 0 };
    this.#histories.set(key, history);
    const usage = await probe();
    if (!usage) return;
    const at = Date.now();
    const before = this.#before.get(key);
    this.#before.set(key, { at, usage });
    if (!before) {
      history.since = at;
      return;
    }
    // A process that was restarted has used what it has used since.
    const restarted = usage.startedAt !== before.usage.startedAt;
    const used = restarted ? usage.cpuSeconds : usage.cpuSeconds - before.usage.cpuSeconds;
    history.cpuSeconds += used;
    const { residentBytes, sockets } = usage;
    history.samples.push({ at, cpu: (used * 1000) / (at - before.at), residentBytes, sockets });
  }
}

/** The processes of a local cluster as cluster.json has them now; their ports stay when they are restarted. */
export function localProcesses(cluster: ClusterFile, names: Map<string, string>): Watched[] {
  const service = (kind: string, services: readonly { url: string }[]): Watched[] =>
    services.map(({ url }, index) => {
      // While one is down the others move up in the list: a number is kept as it was first seen.
      const name = names.get(url) ?? (services.length === 1 ? kind : `${kind} ${index + 1}`);
      names.set(url, name);
      return { key: url, name, probe: () => probeMetrics(url) };
    });
  const { gateway, redis } = cluster;
  return [
    ...service('realtime', cluster.realtime),
    ...service('auth', cluster.auth),
    ...service('history', cluster.history),
    ...(redis.pid === undefined ? [] : [byPid('redis', redis.pid)]),
    ...(gateway ? [byPid('gateway', gateway.pid)] : []),
  ];
}

export function byPid(name: string, pid: number): Watched {
  return { key: name, name, probe: async () => probePid(pid) };
}

export function byUrl(url: string): Watched {
  return { key: url, name: url.replace(/^https?:\/\//, ''), probe: () => probeMetrics(url) };
}
