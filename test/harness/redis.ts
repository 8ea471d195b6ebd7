import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { flushEverySecond } from './append-only-file.ts';
import { type Child, type ChildExit, lastLines, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { type Launcher, launcher } from './programs.ts';

export interface RedisOptions {
  /** Default: a free port. With a given port a lost race is an error, without one it is retried. */
  port?: number;
  /** Directory of Redis's files, kept on stop. Default: a fresh temporary one, removed on stop. */
  dir?: string;
  /** Keep an append-only file in dir, so that the data is there again at the next start. */
  appendonly?: boolean;
  /** Further arguments of redis-server, for instance ['--maxmemory', '50mb']. */
  args?: string[];
  /** Environment of redis-server; a container does not get it. Default: that of this process. */
  env?: NodeJS.ProcessEnv;
  /** Default: redis.log in dir. */
  logFile?: string;
  /** Is told when redis-server has to be installed first. Default: console.log. */
  log?: (line: string) => void;
}

export interface RunningRedis {
  kind: 'redis-server' | 'container';
  url: string;
  port: number;
  /** Not given for a container. */
  pid?: number;
  /** Resolves when the process ends, however that came; not given for a container. */
  exited?: Promise<ChildExit>;
  /** SIGTERM (an append-only file is flushed), SIGKILL after 10 s, then removes the temporary directory. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const PORT_TRIES = 5;

/** Starts redis-server on 127.0.0.1 and resolves once it answers PING. */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'chat-redis-'));
  const program = launcher('redis-server', { directories: [dir] }, options.log);
  const logFile = options.logFile ?? join(dir, 'redis.log');
  const removeDir = () => {
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };

  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const args = [...program.args, ...redisArgs(port, dir, options)];
    const child = await startChild({
      name: 'redis',
      command: program.command,
      args,
      logFile,
      env: options.env,
      stopLast: true,
    });
    try {
      await answersPing(child, port, program.kind);
    } catch (error) {
      await child.stop();
      const lostRace = /Address already in use/i.test(lastLines(logFile));
      if (lostRace && options.port === undefined && attempt < PORT_TRIES) continue;
      removeDir();
      throw error;
    }
    const stopFlushing = options.appendonly ? flushEverySecond(dir) : () => undefined;
    void child.exited.then(stopFlushing);
    return {
      kind: 'redis-server',
      url: `redis://127.0.0.1:${port}`,
      port,
      pid: child.pid,
      exited: child.exited,
      async stop() {
        await child.stop();
        removeDir();
      },
    };
  }
}

/**
 * appendfsync no: the reply to a write leaves after its write() into the append-only file, whatever the disk does, so
 * kill -9 of redis-server loses nothing that was acknowledged; a power cut takes the last second (append-only-file.ts).
 * noeviction: a full memory answers an error to the append, instead of dropping a room silently.
 * pubsub output buffer: a relay that falls behind gets 256 MB instead of the default 32 MB, so that a stall
 * of a replica's event loop (a GC, a busy machine) does not cut its subscription; a cut one repairs itself.
 */
function redisArgs(port: number, dir: string, options: RedisOptions): string[] {
  return [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
    ...['--save', '', '--appendonly', options.appendonly ? 'yes' : 'no', '--appendfsync', 'no'],
    ...['--maxmemory-policy', 'noeviction', '--tcp-backlog', '511'],
    ...['--client-output-buffer-limit', 'pubsub', '256mb', '128mb', '60'],
    ...(options.args ?? []),
  ];
}

/** Throws with the last log lines when the process ends or does not answer in time. */
async function answersPing(child: Child, port: number, kind: Launcher['kind']): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.running() && Date.now() < deadline) {
    const pid = await readyPid(port);
    // Another Redis may own the port: then ours is about to end with "Address already in use".
    if (pid !== undefined && (pid === child.pid || kind === 'docker')) return;
    await sleep(20);
  }
  const what = child.running() ? 'did not answer in time' : 'ended while it started';
  throw new Error(`redis-server on port ${port} ${what}:\n${lastLines(child.logFile)}`);
}

/** The process id of the Redis that answers there; undefined while it still reads its append-only file. */
function readyPid(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    let answer = '';
    const settle = (pid?: number) => {
      socket.destroy();
      resolve(pid);
    };
    socket.setTimeout(1000, () => settle());
    socket.once('error', () => settle());
    socket.once('close', () => settle());
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
      if (answer.startsWith('-')) settle();
      const pid = /process_id:(\d+)\r/.exec(answer)?.[1];
      if (pid) settle(Number(pid));
    });
    socket.write('PING\r\nINFO server\r\n');
  });
}
