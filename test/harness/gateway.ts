import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, type ChildExit, lastLines, startChild } from './child.ts';
import { runtimeApi } from './gateway-admin.ts';
import { toJsonLine } from './gateway-log.ts';
import { freePort } from './ports.ts';
import { launcher } from './programs.ts';

const CONFIG_DIR = fileURLToPath(new URL('../../deploy/gateway', import.meta.url));
const START_TIMEOUT_MS = 20_000;
const PORT_TRIES = 5;

/** Ports of 127.0.0.1, the replicas in the order of their numbers. */
export interface Backends {
  auth: number[];
  history: number[];
  realtime: number[];
}

export interface GatewayOptions {
  backends: Backends;
  /** Default: a free one. With a given port a lost race is an error. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Port of the statistics on 127.0.0.1. Default: a free one. */
  statsPort?: number;
  /** Directory of the generated configuration and the log; kept on stop. */
  dir: string;
  logFile?: string;
  env?: NodeJS.ProcessEnv;
  log?: (line: string) => void;
}

export interface Gateway {
  url: string;
  port: number;
  /** Statistics at /, Prometheus at /metrics. */
  statsUrl: string;
  statsPort: number;
  pid: number;
  exited: Promise<ChildExit>;
  child: Child;
  /** Takes one more replica in, as /replica/<n>/ and in the balancing. */
  addReplica(n: number, port: number): Promise<void>;
  /** Stops listening; what is open stays open. */
  closeDoor(): void;
  stop(): Promise<void>;
}

const CHECK = 'check inter 1s fastinter 500ms downinter 500ms fall 2 rise 1';

/** The second configuration file: where the services are. */
export function renderBackends({ auth, history, realtime }: Backends): string {
  const servers = (name: string, ports: number[]) =>
    ports.map((port, index) => `  server ${name}-${index + 1} 127.0.0.1:${port} check`);
  const pinned = 'if { var(txn.replica) -m found }';
  return [
    ...['backend auth from service', ...servers('auth', auth), ''],
    ...['backend history from service', ...servers('history', history), ''],
    'backend realtime from realtime',
    `  force-persist ${pinned}`,
    `  use-server realtime-%[var(txn.replica)] ${pinned}`,
    ...servers('realtime', realtime),
    '',
    ...['backend page from page', ...servers('page', realtime), ''],
  ].join('\n');
}

/** Starts HAProxy and resolves once it listens. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  mkdirSync(options.dir, { recursive: true });
  const backendsFile = join(options.dir, 'backends.cfg');
  writeFileSync(backendsFile, renderBackends(options.backends));
  // Not in dir: the path of a unix socket has at most 107 bytes.
  const socketDir = mkdtempSync(join(tmpdir(), 'chat-gw-'));
  const adminSocket = join(socketDir, 'admin.sock');

  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const statsPort = options.statsPort ?? (await freePort());
    const env = environment(options, port, statsPort, adminSocket);
    const program = launcher(
      'haproxy',
      { directories: [CONFIG_DIR, options.dir, socketDir], env: Object.keys(env) },
      options.log,
    );
    const child = await startChild({
      name: 'gateway',
      command: program.command,
      args: [...program.args, '-db', '-f', join(CONFIG_DIR, 'haproxy.cfg'), '-f', backendsFile],
      logFile: options.logFile ?? join(options.dir, 'gateway.log'),
      logLine: toJsonLine,
      env: { ...process.env, ...options.env, ...env },
    });
    try {
      await listens(child, statsPort);
    } catch (error) {
      await child.stop();
      const lostRace = /cannot bind|already in use/i.test(lastLines(child.logFile));
      if (lostRace && options.port === undefined && attempt < PORT_TRIES) continue;
      rmSync(socketDir, { recursive: true, force: true });
      throw error;
    }
    return running(child, { port, statsPort, adminSocket, socketDir, host: options.host ?? '127.0.0.1' });
  }
}

interface Place {
  host: string;
  port: number;
  statsPort: number;
  adminSocket: string;
  socketDir: string;
}

function running(child: Child, { host, port, statsPort, adminSocket, socketDir }: Place): Gateway {
  return {
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    port,
    statsUrl: `http://127.0.0.1:${statsPort}`,
    statsPort,
    pid: child.pid,
    exited: child.exited,
    child,
    async addReplica(n, replicaPort) {
      for (const server of [`realtime/realtime-${n}`, `page/page-${n}`]) {
        await runtimeApi(adminSocket, `add server ${server} 127.0.0.1:${replicaPort} ${CHECK}`);
        await runtimeApi(adminSocket, `enable health ${server}`);
        await runtimeApi(adminSocket, `enable server ${server}`);
      }
      await runtimeApi(adminSocket, `experimental-mode on; set var proc.replicas int(${n})`);
    },
    closeDoor: () => child.kill('SIGUSR1'),
    async stop() {
      await child.stop();
      rmSync(socketDir, { recursive: true, force: true });
    },
  };
}

function environment(
  { host, backends }: GatewayOptions,
  port: number,
  statsPort: number,
  adminSocket: string,
) {
  return {
    HOST: host ?? '127.0.0.1',
    PORT: String(port),
    STATS_BIND: `127.0.0.1:${statsPort}`,
    GATEWAY_ADMIN_SOCKET: adminSocket,
    GATEWAY_REPLICAS: String(backends.realtime.length),
    GATEWAY_THREADS: process.env.GATEWAY_THREADS || String(threads()),
  };
}

/** The replicas need the cores more: a quarter of them, four at most. */
function threads(): number {
  return Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)));
}

/** Throws with the last log lines when HAProxy ends (a bad configuration, a taken port) or stays silent. */
async function listens(child: Child, statsPort: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.running() && Date.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${statsPort}/healthz`).catch(() => undefined);
    if (answer?.ok && child.running()) return;
    await sleep(30);
  }
  const what = child.running() ? 'did not listen in time' : 'ended while it started';
  throw new Error(`haproxy ${what}:\n${lastLines(child.logFile)}`);
}
