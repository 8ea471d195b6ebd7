/**
 * What a page of history costs beside an empty handler: `npx tsx loadtest/bench/history-page.ts` (needs wrk).
 *
 * Three processes serve the same 50 messages, asked in turn for 5 s each, ROUNDS times: bare Koa, Koa with what all
 * services share (request id, log line, metrics, headers, router) around an empty handler, and the history service
 * with session, membership and page read from Redis: once with all connections reading General, whose reads that come
 * in together are shared, and once spread over ROOMS rooms. The best round counts: what else runs on the machine only
 * takes away.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKoa, createLogger, createMetrics, mount, Readiness, serve } from '@chat/kit';
import { Appender, draft, Rooms, Sessions, Users } from '@chat/store';
import Router from '@koa/router';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { type Child, startChild } from '../../test/harness/child.ts';
import { freePort } from '../../test/harness/ports.ts';
import { startRedis } from '../../test/harness/redis.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 5);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 16);
const ROOMS = 64;
const PATH = '/room/0/messages?size=50';
const SELF = fileURLToPath(import.meta.url);
const HISTORY = fileURLToPath(new URL('../../services/history/src/main.ts', import.meta.url));
/** For wrk: the next room at each request. */
const SPREAD_SCRIPT = `local n = 0
request = function()
  n = n % ${ROOMS} + 1
  return wrk.format(nil, "/room/" .. n .. "/messages?size=50")
end
`;
/** /proc counts CPU time in these. */
const TICKS_PER_SECOND = 100;

type Kind = 'bare Koa' | 'empty handler' | 'history, one room' | `history, ${number} rooms`;
const SPREAD: Kind = `history, ${ROOMS} rooms`;

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
    writeFileSync(page, await firstPage(ports.history, token));
    const spread = join(dir, 'rooms.lua');
    writeFileSync(spread, SPREAD_SCRIPT);
    const bare = await start('bare', [SELF, 'bare', String(ports.bare), page]);
    const kit = await start('kit', [SELF, 'kit', String(ports.kit), page]);
    await Promise.all([firstPage(ports.bare, token), firstPage(ports.kit, token)]);

    const results = new Map<Kind, Result[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [kind, port, { pid }, script] of [
        ['bare Koa', ports.bare, bare],
        ['empty handler', ports.kit, kit],
        ['history, one room', ports.history, history],
        [SPREAD, ports.history, history, spread],
      ] as [Kind, number, Child, string?][]) {
        const list = results.get(kind) ?? [];
        results.set(kind, [...list, load(port, pid, token, script)]);
      }
    }
    report(results);
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await redis.stop();
    rmSync(dir, { recursive: true });
  }
}

/** A user with a session in General and ROOMS rooms, each with 200 messages of usual length. */
async function fill(url: string): Promise<string> {
  const redis = new Redis(url);
  const user = (await new Users(redis).create('Bench', 'no password'))!;
  const { token } = await new Sessions(redis, { ttlSeconds: 86_400, serverId: 'bench' }).create(user);
  const rooms = new Rooms(redis);
  const appender = new Appender(redis, { serverId: 'bench', keep: 0 });
  for (let room = 0; room <= ROOMS; room++) {
    const id = room === 0 ? '0' : (await rooms.createNamed(`Room ${room}`, user.id)).id;
    const text = (n: number) => `Message number ${n}, a line of usual length in a chat`;
    const drafts = Array.from({ length: 200 }, (_, n) => draft(user.id, id, text(n), `c-${n}-abcdef`, false));
    await appender.append(id, drafts);
  }
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

function load(port: number, pid: number, token: string, script?: string): Result {
  const before = cpuSeconds(pid);
  const output = execFileSync('wrk', [
    ...['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '--latency', '-H', `Authorization: Bearer ${token}`],
    ...(script === undefined ? [] : ['-s', script]),
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
  console.log(
    '| | requests/s | of the empty handler | CPU us/request | of the empty handler | p99 of each round |',
  );
  console.log('|---|---|---|---|---|---|');
  for (const [kind, rounds] of results) {
    const byRate = percent(rate(kind) / rate('empty handler'));
    const byCpu = percent(cpu('empty handler') / cpu(kind));
    const p99 = rounds.map((result) => result.p99).join(', ');
    console.log(
      `| ${kind} | ${Math.round(rate(kind))} | ${byRate} | ${Math.round(cpu(kind))} | ${byCpu} | ${p99} |`,
    );
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
