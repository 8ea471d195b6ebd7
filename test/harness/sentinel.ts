import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Child, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { launcher } from './programs.ts';
import { type RedisOptions, type RunningRedis, startRedis } from './redis.ts';

/** For what comes with a failover: sentinels that slept for 2 s start none for 30 s (TILT). */
export const FAILOVER_SOON = { timeout: 90_000, interval: 50 };

export interface SentinelOptions {
  /** Replicas of the master. Default 1. */
  replicas?: number;
  /** Milliseconds after which a silent master counts as down. Default 1000. */
  downAfterMs?: number;
  /** Further options of the master and of every replica. */
  redis?: RedisOptions;
  /** Password of the sentinels. Default: none. */
  password?: string;
}

export interface SentinelGroup {
  /** For REDIS_SENTINELS. */
  addresses: string;
  sentinels: Child[];
  /** The Redis servers by port, those that were killed too. */
  servers: ReadonlyMap<number, RunningRedis>;
  /** Asks the sentinels for the port of the master. */
  masterPort(): Promise<number>;
  /** Resolves when the sentinels agreed on another master than this, and gives its port. */
  failedOver(from: number): Promise<number>;
  /** kill -9; resolves when the server is gone. */
  kill(port: number): Promise<void>;
  /** Starts a server again that was killed, without its data; resolves when it replicates the master. */
  restart(port: number): Promise<void>;
  /** Makes a replica the master while the master is well. */
  failOver(): Promise<void>;
  /** Resolves when each sentinel sees a master, its replicas linked to it, and the other sentinels. */
  whole(): Promise<void>;
  /** Resolves with the port of the first server that says that it is a master, other than this one. */
  promoted(from: number): Promise<number>;
  /**
   * Cuts a master off from the sentinels and its replicas; the connections that clients have stay.
   *
   * @returns joins them again
   */
  cutOff(port: number): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** What the sentinels call the master: the default of REDIS_SENTINEL_NAME. */
const NAME = 'mymaster';
const SENTINELS = 3;
const PATIENCE_MS = 60_000;

/** A master, its replicas and three sentinels that know each other, ready for a failover. */
export async function startSentinelGroup(options: SentinelOptions = {}): Promise<SentinelGroup> {
  const dir = mkdtempSync(join(tmpdir(), 'chat-sentinel-'));
  const servers = new Map<number, RunningRedis>();
  const sentinels: Child[] = [];
  const stop = async () => {
    await Promise.all(sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(Array.from(servers.values(), (server) => server.stop()));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    // Without the delay by which a master waits for more replicas to come.
    const args = ['--repl-diskless-sync-delay', '0', ...(options.redis?.args ?? [])];
    const start = async (following: string[], port?: number) => {
      const server = await startRedis({ ...options.redis, port, args: [...args, ...following] });
      servers.set(server.port, server);
      return server;
    };
    const master = await start([]);
    for (let n = 0; n < (options.replicas ?? 1); n++) {
      await start(['--replicaof', '127.0.0.1', String(master.port)]);
    }
    const ports: number[] = [];
    for (let n = 0; n < SENTINELS; n++) {
      const port = await freePort();
      ports.push(port);
      sentinels.push(await startSentinel(dir, port, master.port, options));
    }
    const masterPort = () => ask(ports, options.password);
    const allReady = () =>
      until(async () => {
        const ready = await Promise.all(ports.map((port) => isReady(port, servers.size - 1, options)));
        return ready.every(Boolean);
      }, 'the sentinels do not know each other and the replicas');
    await allReady();
    return {
      addresses: ports.map((port) => `127.0.0.1:${port}`).join(','),
      sentinels,
      servers,
      masterPort,
      async failedOver(from) {
        let port = from;
        await until(async () => {
          port = await masterPort();
          // 0: none of them answered.
          return port !== 0 && port !== from;
        }, `the sentinels still take ${from} for the master`);
        return port;
      },
      async kill(port) {
        const server = servers.get(port)!;
        process.kill(server.pid!, 'SIGKILL');
        await server.exited;
      },
      async restart(port) {
        await start(['--replicaof', '127.0.0.1', String(await masterPort())], port);
        await allReady();
      },
      async failOver() {
        // Refused while the last failover is young or the replica's state is not known yet.
        await until(
          () =>
            withSentinel(ports[0]!, options.password, (sentinel) =>
              sentinel.call('SENTINEL', 'FAILOVER', NAME),
            ).then(() => true),
          'the sentinel refuses to fail over',
        );
      },
      whole: allReady,
      async promoted(from) {
        const others = [...servers.keys()].filter((port) => port !== from);
        let found: number | undefined;
        await until(async () => {
          const roles = await Promise.all(others.map(roleOf));
          found = others[roles.indexOf('master')];
          return found !== undefined;
        }, 'no replica was promoted');
        return found!;
      },
      cutOff,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSentinel(
  dir: string,
  port: number,
  masterPort: number,
  { downAfterMs = 1000, password }: SentinelOptions,
): Promise<Child> {
  const file = join(dir, `sentinel-${port}.conf`);
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${NAME} 6000`,
    `sentinel parallel-syncs ${NAME} 1`,
    ...(password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const program = launcher('redis-server', { directories: [dir] });
  return startChild({
    name: `sentinel ${port}`,
    command: program.command,
    args: [...program.args, file, '--sentinel'],
    logFile: join(dir, `sentinel-${port}.log`),
    stopLast: true,
  });
}

async function isReady(port: number, replicas: number, { password }: SentinelOptions): Promise<boolean> {
  return withSentinel(port, password, async (sentinel) => {
    const master = (await sentinel.call('SENTINEL', 'MASTER', NAME)) as string[];
    const field = (name: string) => master[master.indexOf(name) + 1];
    if (field('flags') !== 'master' || Number(field('num-other-sentinels')) !== SENTINELS - 1) return false;
    const known = (await sentinel.call('SENTINEL', 'REPLICAS', NAME)) as string[][];
    const linked = known.filter((one) => one[one.indexOf('master-link-status') + 1] === 'ok');
    return linked.length === replicas;
  });
}

/** What most sentinels say. */
async function ask(ports: readonly number[], password: string | undefined): Promise<number> {
  const answers = await Promise.all(
    ports.map((port) =>
      withSentinel(port, password, async (sentinel) => {
        const reply = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as string[] | null;
        return Number(reply?.[1] ?? 0);
      }).catch(() => 0),
    ),
  );
  const votes = (port: number) => answers.filter((answer) => answer === port).length;
  return answers.reduce((best, port) => (votes(port) > votes(best) ? port : best), 0);
}

function roleOf(port: number): Promise<string> {
  return withServer(port, async (redis) => ((await redis.call('ROLE')) as string[])[0]!);
}

/** By what Redis does itself: it listens elsewhere, and ends the connections of the others, which cannot come back. */
async function cutOff(port: number): Promise<() => Promise<void>> {
  const redis = new Redis(port);
  // Its end is told by the commands that fail.
  redis.on('error', () => undefined);
  await redis.config('SET', 'port', '0');
  const clients = String(await redis.client('LIST')).split('\n');
  const others = clients.filter((line) => / name=sentinel-| flags=S/.test(line));
  for (const line of others) await redis.client('KILL', 'ID', /id=(\d+)/.exec(line)![1]!);
  return async () => {
    await redis.config('SET', 'port', String(port));
    redis.disconnect();
  };
}

function withSentinel<T>(
  port: number,
  password: string | undefined,
  use: (sentinel: Redis) => Promise<T>,
): Promise<T> {
  return using(new Redis({ port, password, enableReadyCheck: false, retryStrategy: null }), use);
}

function withServer<T>(port: number, use: (redis: Redis) => Promise<T>): Promise<T> {
  return using(new Redis({ port, retryStrategy: null }), use);
}

async function using<T>(redis: Redis, use: (redis: Redis) => Promise<T>): Promise<T> {
  // What matters is said by the commands.
  redis.on('error', () => undefined);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

async function until(condition: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await sleep(100);
  }
}
