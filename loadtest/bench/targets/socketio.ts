import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Redis } from 'ioredis';
import { type Child, lastLines, startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import { LEAN_MALLOC } from '../../../test/harness/service.ts';
import type { Target } from './target.ts';

interface SocketIoOptions {
  servers: number;
  /** The same Redis as the cluster's. */
  redis: { url: string; pid?: number };
  directory: string;
}

const START_MS = 20_000;

/** Socket.IO servers with the Redis adapter (peers/socketio). */
export class SocketIoTarget implements Target {
  readonly name = 'Socket.IO';
  readonly wire = 'socketio';
  readonly path = '/socket.io/?EIO=4&transport=websocket';
  readonly servers: { pid: number; port: number }[] = [];
  readonly redisPid: number;
  readonly #redis: Redis;
  readonly #children: Child[] = [];

  constructor({ url, pid = 0 }: SocketIoOptions['redis']) {
    this.redisPid = pid;
    this.#redis = new Redis(url);
  }

  static async start({ servers, redis, directory }: SocketIoOptions): Promise<SocketIoTarget> {
    const program = join(directory, 'socketio.mjs');
    await bundle(program);
    const target = new SocketIoTarget(redis);
    try {
      await Promise.all(
        Array.from({ length: servers }, (_, n) => target.#add(n, program, redis.url, directory)),
      );
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
  }

  async #add(n: number, program: string, redisUrl: string, directory: string): Promise<void> {
    const port = await freePort();
    const child = await startChild({
      name: `socketio-${n + 1}`,
      command: process.execPath,
      args: [program],
      logFile: join(directory, `socketio-${n + 1}.log`),
      env: {
        ...LEAN_MALLOC,
        ...process.env,
        NODE_ENV: 'production',
        PORT: String(port),
        REDIS_URL: redisUrl,
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
    entryPoints: [fileURLToPath(new URL('../peers/socketio/server.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    // Optional parts of ws that are not installed.
    external: ['bufferutil', 'utf-8-validate'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
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
