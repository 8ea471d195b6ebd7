import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Redis } from 'ioredis';
import { type Child, lastLines, startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { LEAN_MALLOC } from '../../../test/harness/service.ts';
import type { Target } from './target.ts';

interface SocketIoOptions {
  servers: number;
  /** For the program and the logs. */
  directory: string;
  nodeArgs: readonly string[];
}

const START_MS = 20_000;
const ENTRY = new URL('../peers/socketio/server.ts', import.meta.url);

/** Socket.IO servers with the Redis adapter (peers/socketio), and a Redis of their own that is set up as the cluster's. */
export class SocketIoTarget implements Target {
  readonly name = 'Socket.IO';
  readonly wire = 'socketio';
  readonly path = '/socket.io/?EIO=4&transport=websocket';
  readonly servers: { pid: number; port: number }[] = [];
  readonly redisPid: number;
  readonly #server: RunningRedis;
  readonly #redis: Redis;
  readonly #children: Child[] = [];

  constructor(server: RunningRedis) {
    this.redisPid = server.pid ?? 0;
    this.#server = server;
    this.#redis = new Redis(server.url);
  }

  /** @throws Error with its last log lines when a server does not run */
  static async start(options: SocketIoOptions): Promise<SocketIoTarget> {
    const { servers, directory } = options;
    const program = join(directory, 'socketio.mjs');
    await bundle(program);
    const target = new SocketIoTarget(await startRedis({ appendonly: true }));
    try {
      await Promise.all(Array.from({ length: servers }, (_, n) => target.#add(n, program, options)));
    } catch (error) {
      await target.stop();
      throw error;
    }
    return target;
  }

  /** It looks at no session. */
  tokens(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  stored(room: string): Promise<number> {
    return this.#redis.zcard(`socketio:room:${room}`);
  }

  async stop(): Promise<void> {
    this.#redis.disconnect();
    await Promise.all(this.#children.map((child) => child.stop(5000)));
    await this.#server.stop();
  }

  async #add(n: number, program: string, options: SocketIoOptions): Promise<void> {
    const { directory, nodeArgs } = options;
    const port = await freePort();
    const child = await startChild({
      name: `socketio-${n + 1}`,
      command: process.execPath,
      args: [...nodeArgs, program],
      logFile: join(directory, `socketio-${n + 1}.log`),
      env: {
        ...LEAN_MALLOC,
        ...process.env,
        NODE_ENV: 'production',
        PORT: String(port),
        REDIS_URL: this.#server.url,
      },
    });
    this.#children.push(child);
    const deadline = Date.now() + START_MS;
    while (!(await answers(port))) {
      if (!child.running() || Date.now() > deadline)
        throw new Error(`${child.name} does not run:\n${lastLines(child.logFile)}`);
      await sleep(50);
    }
    this.servers.push({ pid: child.pid, port });
  }
}

async function bundle(program: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(ENTRY)],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    // Binaries: loaded as they are. The bundle lies outside of the repository, where they would not be found.
    external: ['bufferutil', 'utf-8-validate'],
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${JSON.stringify(ENTRY)});`,
    },
  });
}

async function answers(port: number): Promise<boolean> {
  try {
    // Refused, as this is no WebSocket, but answered.
    await fetch(`http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`);
    return true;
  } catch {
    return false;
  }
}
