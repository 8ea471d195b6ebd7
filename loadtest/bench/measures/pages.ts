import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Appender, draft, Rooms, Sessions, Users } from '@chat/store';
import type { Redis } from 'ioredis';
import { startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import type { Bench } from '../bench.ts';
import type { ChatTarget } from '../targets/chat.ts';
import { type HttpLoad, hasWrk, runWrk } from '../wrk.ts';

const ROOMS = 64;
/** As many clients as read at once; enough that their requests come in together, as those of a busy service do. */
const CONNECTIONS = 64;
const ROUNDS = 3;
const PATH = '/room/0/messages?size=50';
const YARDSTICK = fileURLToPath(new URL('../yardsticks/empty-handler.ts', import.meta.url));
/** For wrk: the next room at each request. */
const SPREAD = `local n = 0
request = function()
  n = n % ${ROOMS} + 1
  return wrk.format(nil, "/room/" .. n .. "/messages?size=50")
end
`;

/** The same 50 messages from four servers; of each the best round, as other work on the machine only takes away. */
export interface PagesOfHistory {
  /** Koa with a handler that serves the bytes, and nothing else. */
  bare: HttpLoad;
  /** The same behind what all services share: request id, log line, metrics, headers, router. */
  shared: HttpLoad;
  /** The history service, everybody reading General: reads that come in together are shared. */
  oneRoom: HttpLoad;
  /** The history service, spread over {@link ROOMS} rooms. */
  manyRooms: HttpLoad;
}

/** Pages of history a second, in turn with empty handlers; undefined without wrk. */
export async function measurePages(bench: Bench, target: ChatTarget): Promise<PagesOfHistory | undefined> {
  if (!hasWrk()) {
    bench.log('pages of history: not measured, as wrk is missing (apt-get install wrk)');
    return undefined;
  }
  const token = await fill(target.redis);
  const { url, pid } = target.cluster.history[0]!;
  const page = join(bench.directory, 'page.json');
  writeFileSync(page, await firstPage(url, token));
  const script = join(bench.directory, 'rooms.lua');
  writeFileSync(script, SPREAD);
  const bare = await startYardstick(bench, 'bare', page);
  const shared = await startYardstick(bench, 'shared', page);
  const servers = { bare, shared, oneRoom: { url, pid }, manyRooms: { url, pid, script } };

  const best: Partial<PagesOfHistory> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { url, ...server }] of Object.entries(servers)) {
      const load = await runWrk({
        ...server,
        url: `${url}${PATH}`,
        token,
        connections: CONNECTIONS,
        seconds: bench.options.step,
      });
      const kind = name as keyof PagesOfHistory;
      if (load.requestsPerSecond > (best[kind]?.requestsPerSecond ?? 0)) best[kind] = load;
    }
  }
  for (const [name, { requestsPerSecond, cpuPerRequest, p99Ms }] of Object.entries(best)) {
    bench.log(
      `pages, ${name}: ${Math.round(requestsPerSecond)}/s, ${cpuPerRequest.toFixed(0)} us of CPU each, p99 ${p99Ms.toFixed(1)} ms`,
    );
  }
  await Promise.all([bare.stop(), shared.stop()]);
  return best as PagesOfHistory;
}

async function startYardstick(bench: Bench, kind: 'bare' | 'shared', file: string) {
  const port = await freePort();
  const child = await startChild({
    name: kind,
    command: process.execPath,
    args: ['--import', 'tsx', YARDSTICK, kind, String(port), file],
    logFile: join(bench.directory, `${kind}.log`),
  });
  const url = `http://127.0.0.1:${port}`;
  bench.keep({ stop: async () => void (await child.stop()) });
  await firstPage(url, '');
  return { url, pid: child.pid, stop: child.stop };
}

/** A user with a session in General and ROOMS rooms, each with 200 messages of usual length. */
async function fill(redis: Redis): Promise<string> {
  const user = (await new Users(redis).create('Bench', '*'))!;
  const { token } = await new Sessions(redis, { ttlSeconds: 86_400, serverId: 'bench' }).create(user);
  const rooms = new Rooms(redis);
  const appender = new Appender(redis, { serverId: 'bench', keep: 0 });
  for (let room = 0; room <= ROOMS; room++) {
    const id = room === 0 ? '0' : (await rooms.createNamed(`Room ${room}`, user.id)).id;
    const text = (n: number) => `Message number ${n}, a line of usual length in a chat`;
    const drafts = Array.from({ length: 200 }, (_, n) => draft(user.id, id, text(n), `c-${n}-abcdef`, false));
    await appender.append(id, drafts);
  }
  return token;
}

/** Waits until a server answers. */
async function firstPage(url: string, token: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(`${url}${PATH}`, { headers: { Authorization: `Bearer ${token}` } });
      if (response.ok) return await response.text();
      throw new Error(`${url} answered ${response.status}`);
    } catch (error) {
      if (attempt > 300) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
