import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ClusterFile } from '../harness/data-dir.ts';
import { freePort } from '../harness/ports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 90_000;

/** Those that run, and the directories of all: a test that fails in between leaves neither behind. */
const running = new Set<NpmStart>();
const dataDirs: string[] = [];

afterAll(async () => {
  for (const npm of running) npm.kill('SIGTERM');
  await Promise.all([...running].map((npm) => npm.exited));
  for (const dir of dataDirs) rmSync(dir, { recursive: true, force: true });
});

/** An `npm start` in a process group of its own, as a shell starts it. */
class NpmStart {
  readonly port: number;
  readonly exited: Promise<number | null>;
  output = '';
  readonly #npm: ChildProcess;

  constructor(env: Record<string, string>) {
    this.port = Number(env.PORT);
    this.#npm = spawn('npm', ['start'], {
      cwd: ROOT,
      env: { ...process.env, REPLICAS: '2', BCRYPT_COST: '4', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#npm.stdout, this.#npm.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    running.add(this);
    this.exited = once(this.#npm, 'close').then(([code]) => {
      running.delete(this);
      return code as number | null;
    });
  }

  get lines(): string[] {
    return this.output.split('\n');
  }

  async ready(): Promise<this> {
    await until(
      () => this.lines.includes(`ready http://127.0.0.1:${this.port}`),
      START_MS,
      () => this.output,
    );
    return this;
  }

  /** To npm alone, as `kill` does. */
  kill(signal: NodeJS.Signals): void {
    this.#npm.kill(signal);
  }

  /** To the whole process group, as the terminal does on Ctrl-C. */
  interrupt(): void {
    process.kill(-(this.#npm.pid as number), 'SIGINT');
  }
}

async function until(check: () => boolean | Promise<boolean>, ms: number, what: () => string): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`it did not come true within ${ms} ms:\n${what()}`);
    await sleep(100);
  }
}

function alive(pid: number | undefined): boolean {
  try {
    process.kill(pid as number, 0);
    return true;
  } catch {
    return false;
  }
}

async function dataDirAndPorts(): Promise<{ DATA_DIR: string; PORT: string; SOCKET_PORT: string }> {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'chat-start-test-'));
  dataDirs.push(DATA_DIR);
  return { DATA_DIR, PORT: String(await freePort()), SOCKET_PORT: String(await freePort()) };
}

function clusterFile(dataDir: string): ClusterFile {
  return JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')) as ClusterFile;
}

function starterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'cluster.lock'), 'utf8').split(' ')[0]);
}

function pids(cluster: ClusterFile): number[] {
  const { gateway, redis, auth, history, realtime } = cluster;
  return [gateway, redis, ...auth, ...history, ...realtime].map((process) => process?.pid as number);
}

async function login(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'Pablo', password: 'password123' }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { token: string }).token;
}

/** Resolves when the message is acknowledged. */
async function say(url: string, token: string, message: string): Promise<void> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  const acknowledged = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data) => {
      const { type } = JSON.parse(String(data)) as { type: string };
      if (type === 'hello') {
        socket.send(
          JSON.stringify({ type: 'message', data: { roomId: '0', message }, cid: `c-${Date.now()}` }),
        );
      }
      if (type === 'ack') resolve();
      if (type === 'error') reject(new Error(String(data)));
    });
  });
  await acknowledged;
  socket.close();
}

async function lastMessages(url: string, token: string): Promise<string[]> {
  const response = await fetch(`${url}/room/0/messages?offset=0&size=50`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return [...text.matchAll(/"message":"([^"]*)"/g)].map((match) => match[1] as string);
}

describe('npm start', () => {
  let env: Awaited<ReturnType<typeof dataDirAndPorts>>;
  let first: NpmStart;
  let cluster: ClusterFile;
  let url = '';

  beforeAll(async () => {
    env = await dataDirAndPorts();
    url = `http://127.0.0.1:${env.PORT}`;
    first = await new NpmStart(env).ready();
    cluster = clusterFile(env.DATA_DIR);
  });

  afterAll(async () => {
    first.kill('SIGTERM');
    await first.exited;
  });

  test('prints one ready line and then the addresses of the pages', () => {
    expect(first.lines.filter((line) => line.startsWith('ready '))).toEqual([`ready ${url}`]);
    const after = first.output.slice(first.output.indexOf(`ready ${url}`));
    for (const page of ['/', '/replica/1/', '/replica/2/', '/replicas'])
      expect(after).toContain(`${url}${page}\n`);
  });

  test('writes the url and pid of every process into cluster.json', async () => {
    expect(cluster.gateway?.url).toBe(url);
    expect(cluster.sockets?.url).toBe(`ws://127.0.0.1:${env.SOCKET_PORT}`);
    expect(cluster.realtime).toHaveLength(2);
    expect(new Set(cluster.realtime.map(({ serverId }) => serverId)).size).toBe(2);
    for (const pid of pids(cluster)) expect(alive(pid)).toBe(true);
    for (const service of [...cluster.auth, ...cluster.history, ...cluster.realtime]) {
      expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    }
  });

  test('serves the page on every address', async () => {
    for (const path of ['/', '/replica/1/', '/replica/2/', '/replicas']) {
      const response = await fetch(url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    }
  });

  test('sockets work through the gateway, a pinned replica and the shared port', async () => {
    const token = await login(url);
    const planes = [`${url}/ws`, `${url}/replica/2/ws`, `${cluster.sockets?.url}/ws`];
    for (const [index, plane] of planes.entries())
      await say(plane.replace('http', 'ws'), token, `plane ${index}`);
    expect(await lastMessages(url, token)).toEqual(expect.arrayContaining(['plane 0', 'plane 1', 'plane 2']));
  });

  test('a second one on a busy port says so, ends with 1 and touches nothing', async () => {
    const before = readFileSync(join(env.DATA_DIR, 'cluster.json'), 'utf8');
    for (const busy of [{ PORT: env.PORT }, { SOCKET_PORT: env.SOCKET_PORT }]) {
      const second = new NpmStart({ ...(await dataDirAndPorts()), DATA_DIR: env.DATA_DIR, ...busy });
      expect(await second.exited).toBe(1);
      expect(second.output).toContain(`port ${Object.values(busy)[0]} is in use`);
    }
    expect(readFileSync(join(env.DATA_DIR, 'cluster.json'), 'utf8')).toBe(before);
    for (const pid of pids(cluster)) expect(alive(pid)).toBe(true);
  });

  test('another one in the same DATA_DIR says whose it is, ends with 1 and touches nothing', async () => {
    const before = readFileSync(join(env.DATA_DIR, 'cluster.json'), 'utf8');
    const second = new NpmStart({ ...(await dataDirAndPorts()), DATA_DIR: env.DATA_DIR });
    expect(await second.exited).toBe(1);
    expect(second.output).toContain('belongs to a cluster that is running');
    expect(readFileSync(join(env.DATA_DIR, 'cluster.json'), 'utf8')).toBe(before);
    expect((await fetch(`${url}/`)).status).toBe(200);
  });

  test('a bad setting is named', async () => {
    const bad = new NpmStart({ ...(await dataDirAndPorts()), REPLICAS: 'three' });
    expect(await bad.exited).toBe(1);
    expect(bad.output).toContain('REPLICAS: expected a whole number');
  });

  test('a replica that dies is told of, started again, and cluster.json follows', async () => {
    const [dead] = cluster.realtime;
    process.kill(dead?.pid as number, 'SIGKILL');
    await until(
      () => clusterFile(env.DATA_DIR).realtime.filter(({ pid }) => pid !== dead?.pid).length === 2,
      START_MS,
      () => first.output,
    );
    expect(first.output).toContain('realtime-1 ended unexpectedly (SIGKILL)');
    const back = clusterFile(env.DATA_DIR).realtime[0];
    expect(back?.url).toBe(dead?.url);
    expect(back?.serverId).not.toBe(dead?.serverId);
    await until(
      async () => (await fetch(`${url}/replica/1/`)).status === 200,
      START_MS,
      () => first.output,
    );
  });
});

describe('the end of npm start', () => {
  test('SIGTERM, Ctrl-C and kill -9 leave no process and lose no acknowledged message', {
    timeout: 300_000,
  }, async () => {
    const env = await dataDirAndPorts();
    const url = `http://127.0.0.1:${env.PORT}`;
    const run = async (message: string) => {
      const npm = await new NpmStart(env).ready();
      await say(`${url}/ws`.replace('http', 'ws'), await login(url), message);
      return { npm, processes: pids(clusterFile(env.DATA_DIR)) };
    };

    const term = await run('before SIGTERM');
    term.npm.kill('SIGTERM');
    expect(await term.npm.exited, term.npm.output).toBe(0);
    expect(term.processes.filter(alive)).toEqual([]);
    expect(existsSync(join(env.DATA_DIR, 'cluster.json'))).toBe(false);
    const order = ['stopped realtime', 'stopped auth and history', 'stopped gateway', 'stopped redis'];
    const told = order.map((line) => term.npm.output.indexOf(line));
    expect(told[0]).toBeGreaterThan(0);
    expect(told).toEqual([...told].sort((a, b) => a - b));

    const interrupted = await run('before Ctrl-C');
    interrupted.npm.interrupt();
    expect(await interrupted.npm.exited, interrupted.npm.output).toBe(0);
    expect(interrupted.processes.filter(alive)).toEqual([]);

    const killed = await run('before kill -9');
    process.kill(starterPid(env.DATA_DIR), 'SIGKILL');
    await killed.npm.exited;
    await until(
      () => !killed.processes.some(alive),
      START_MS,
      () => `left: ${killed.processes.filter(alive)}`,
    );

    const last = await new NpmStart(env).ready();
    const messages = await lastMessages(url, await login(url));
    expect(messages).toEqual(expect.arrayContaining(['before SIGTERM', 'before Ctrl-C', 'before kill -9']));
    last.kill('SIGTERM');
    expect(await last.exited).toBe(0);
  });
});
