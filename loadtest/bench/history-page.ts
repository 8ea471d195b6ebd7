/**
 * What a page of history costs beside an empty handler: `npx tsx loadtest/bench/history-page.ts` (needs wrk).
 *
 * Three processes serve the same 50 messages, asked in turn for 5 s each, ROUNDS times: bare Koa, Koa with what all
 * services share (request id, log line, metrics, headers, router) around an empty handler, and the history service
 * with session, membership and page read from Redis. The best round counts: what else runs on the machine only takes
 * away.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKoa, createLogger, createMetrics, mount, Readiness, serve } from '@chat/kit';
import { Appender, draft, Sessions, Users } from '@chat/store';
import Router from '@koa/router';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { type Child, startChild } from '../../test/harness/child.ts';
import { freePort } from '../../test/harness/ports.ts';
import { startRedis } from '../../test/harness/redis.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 5);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 16);
const PATH = '/room/0/messages?size=50';
const SELF = fileURLToPath(import.meta.url);
const HISTORY = fileURLToPath(new URL('../../services/history/src/main.ts', import.meta.url));
/** /proc counts CPU time in these. */
const TICKS_PER_SECOND = 100;

type Kind = 'bare Koa' | 'empty handler' | 'history';

interface Result {
  requestsPerSecond: number;
  p99: string;
  /** Microseconds of the server process, user and system. */
  cpuPerRequest: number;
}

const [role, port, pageFile] = process.argv.slice(2);
if (role === 'bare' || role === 'kit') await serveBytes(role, Number(port), pageFile!);
else await compare();

/** The two yardsticks. */
async function serveBytes(role: 'bare' | 'kit', port: number, file: string): Promise<void> {
  const bytes = readFileSync(file, 'utf8');
  const answer = (ctx: Pick<Koa.Context, 'set' | 'body'>) => {
    ctx.set('Content-Type', 'application/json; charset=utf-8');
    ctx.body = bytes;
  };
  if (role === 'bare') {
    const app = new Koa().use(answer);
    await serve(app as never, { host: '127.0.0.1', port });
    return;
  }
  const app = createKoa({
    logger: createLogger({ name: 'empty', level: 'info' }),
    metrics: createMetrics({ service: 'empty' }),
    readiness: new Readiness(),
    config: { ALLOWED_ORIGINS: [], TRUST_PROXY: false },
  });
  const router = new Router<Koa.DefaultState>().get('/room/*id/messages', answer);
  mount(app, router as never);
  await serve(app, { host: '127.0.0.1', port });
}

async function compare(): Promise<void> {
  if (spawnSync('wrk', ['-v']).error) throw new Error('wrk is missing: sudo apt-get install wrk');
  const dir = mkdtempSync(join(tmpdir(), 'chat-bench-'));
  const redis = await startRedis();
  const children: Child[] = [];
  const start = async (name: string, args: string[], env: NodeJS.ProcessEnv = {}) => {
    const logFile = join(dir, `${name}.log`);
    const child = await startChild({
      name,
      command: process.execPath,
      args: ['--import', 'tsx', ...args],
      logFile,
      env: { ...process.env, ...env },
    });
    children.push(child);
    return child;
  };
  try {
    const token = await fill(redis.url);
    const ports = { history: await freePort(), bare: await freePort(), kit: await freePort() };
    const history = await start('history', [HISTORY], {
      HOST: '127.0.0.1',
      PORT: String(ports.history),
      REDIS_URL: redis.url,
      DEMO_DATA: 'false',
    });
    const page = join(dir, 'page.json');
    execFileSync('sh', ['-c', 'cat > "$0"', page], { input: await firstPage(ports.history, token) });
    const bare = await start('bare', [SELF, 'bare', String(ports.bare), page]);
    const kit = await start('kit', [SELF, 'kit', String(ports.kit), page]);
    await Promise.all([firstPage(ports.bare, token), firstPage(ports.kit, token)]);

    const results = new Map<Kind, Result[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [kind, port, { pid }] of [
        ['bare Koa', ports.bare, bare],
        ['empty handler', ports.kit, kit],
        ['history', ports.history, history],
      ] as const) {
        const list = results.get(kind) ?? [];
        results.set(kind, [...list, load(port, pid, token)]);
      }
    }
    report(results);
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await redis.stop();
    rmSync(dir, { recursive: true });
  }
}

/** A user in General with a session, and 1,000 messages of usual length. */
async function fill(url: string): Promise<string> {
  const redis = new Redis(url);
  const user = (await new Users(redis).create('Bench', 'no password'))!;
  const { token } = await new Sessions(redis, { ttlSeconds: 86_400, serverId: 'bench' }).create(user);
  const text = (n: number) => `Message number ${n}, a line of usual length in a chat`;
  const drafts = Array.from({ length: 1000 }, (_, n) => draft(user.id, '0', text(n), `c-${n}-abcdef`, false));
  await new Appender(redis, { serverId: 'bench', keep: 0 }).append('0', drafts);
  await redis.quit();
  return token;
}

/** Waits until a server answers. */
async function firstPage(port: number, token: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`http://127.0.0.1:${port}${PATH}`, { headers });
      if (response.ok) return await response.text();
    } catch (error) {
      if (attempt > 300) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function load(port: number, pid: number, token: string): Result {
  const before = cpuSeconds(pid);
  const output = execFileSync('wrk', [
    ...['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '--latency', '-H', `Authorization: Bearer ${token}`],
    `http://127.0.0.1:${port}${PATH}`,
  ]).toString();
  const cpu = cpuSeconds(pid) - before;
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(output);
  const requests = Number(/(\d+) requests in/.exec(output)![1]);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)![1]),
    p99: /99%\s+(\S+)/.exec(output)![1]!,
    cpuPerRequest: (cpu / requests) * 1e6,
  };
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function report(results: Map<Kind, Result[]>): void {
  const rate = (kind: Kind) => Math.max(...results.get(kind)!.map((result) => result.requestsPerSecond));
  const cpu = (kind: Kind) => Math.min(...results.get(kind)!.map((result) => result.cpuPerRequest));
  console.log(`${PATH}, ${CONNECTIONS} connections, ${ROUNDS} x ${SECONDS} s each in turn`);
  console.log('| | requests/s | of the empty handler | CPU us/request | p99 |\n|---|---|---|---|---|');
  for (const [kind, rounds] of results) {
    const share = Math.round((rate(kind) / rate('empty handler')) * 100);
    const p99 = rounds.map((result) => result.p99).join(', ');
    console.log(`| ${kind} | ${Math.round(rate(kind))} | ${share} % | ${Math.round(cpu(kind))} | ${p99} |`);
  }
  const cpuShare = Math.round((cpu('empty handler') / cpu('history')) * 100);
  console.log(`by CPU time a core serves ${cpuShare} % of what it serves with the empty handler`);
}
