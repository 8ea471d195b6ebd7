import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Sessions } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Child, startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { openApi } from './history-server.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'chat-history-'));
const children: Child[] = [];
let redis: RunningRedis;
let db: Redis;

beforeAll(async () => {
  redis = await startRedis();
  db = new Redis(redis.url);
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
  await db.flushall();
});
afterAll(async () => {
  db.disconnect();
  await redis.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}) {
  const port = await freePort();
  const child = await startChild({
    name: 'history',
    command: process.execPath,
    args: ['--import', 'tsx', MAIN],
    logFile: join(dir, `history-${port}.log`),
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), REDIS_URL: redis.url, ...env },
  });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  return {
    child,
    url,
    ask: openApi.fetch.bind(openApi, url),
    log: () => readFileSync(child.logFile, 'utf8'),
  };
}

const untilReady = ({ child, ask, log }: Awaited<ReturnType<typeof start>>) =>
  vi.waitFor(
    async () => {
      if (!child.running()) throw new Error(log());
      expect((await ask('/readyz')).status).toBe(200);
    },
    { timeout: 25_000, interval: 100 },
  );

async function pablo() {
  const sessions = new Sessions(db, { ttlSeconds: 600, serverId: 'process-test' });
  const { token } = await sessions.create({ id: 1, username: 'Pablo' });
  return { headers: { authorization: `Bearer ${token}` } };
}

describe('the history process', () => {
  it('writes the demo data once, however many start together, and serves it', async () => {
    const servers = await Promise.all([start(), start()]);
    await Promise.all(servers.map(untilReady));
    const written = servers.filter(({ log }) => log().includes('demo data written'));
    expect(written).toHaveLength(1);
    expect(await db.get('total_users')).toBe('4');
    const { ask } = servers[0]!;
    const session = await pablo();
    const { body: rooms } = await ask('/rooms/1', session);
    expect(rooms).toMatchObject([
      { id: '0', name: 'General' },
      { id: '1:2', names: ['Pablo', 'Joe'] },
      { id: '1:3', names: ['Pablo', 'Mary'] },
      { id: '1:4', names: ['Pablo', 'Alex'] },
    ]);
    for (const { id } of rooms) {
      const { body } = await ask(`/room/${id}/messages`, session);
      expect(body.length).toBeGreaterThan(0);
    }
  });

  it('leaves Redis empty with DEMO_DATA=false', async () => {
    await untilReady(await start({ DEMO_DATA: 'false' }));
    expect(await db.dbsize()).toBe(0);
  });

  it('starts without Redis, is not ready, and serves once it is there', async () => {
    const port = await freePort();
    const server = await start({ REDIS_URL: `redis://127.0.0.1:${port}` });
    await vi.waitFor(
      async () =>
        expect(await server.ask('/readyz')).toMatchObject({
          status: 503,
          body: { conditions: { serving: true, seeded: false, redis: false } },
        }),
      { timeout: 25_000, interval: 100 },
    );
    const late = await startRedis({ port });
    try {
      await untilReady(server);
    } finally {
      await server.child.stop();
      await late.stop();
    }
  });

  it('answers what it was asked before SIGTERM, turns unready, and ends with code 0', async () => {
    const server = await start({ SHUTDOWN_DELAY_MS: '5000', SHUTDOWN_TIMEOUT_MS: '20000' });
    await untilReady(server);
    const session = await pablo();
    const requests = Array.from({ length: 20 }, () => server.ask('/room/0/messages', session));
    server.child.kill('SIGTERM');
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    await vi.waitFor(async () => expect((await server.ask('/readyz')).status).toBe(503), { timeout: 15_000 });
    expect((await server.ask('/room/0/messages', session)).status).toBe(200);
    expect(await server.child.exited).toEqual({ code: 0, signal: null });
    expect(server.log()).not.toContain('"level":50');
  });

  it('does not start with bad settings and names each of them', async () => {
    const { child, log } = await start({ PORT: 'abc', SESSION_TTL_SECONDS: '0', DEMO_DATA: 'maybe' });
    expect((await child.exited).code).toBe(1);
    expect(log()).toContain('PORT: expected a port, got "abc"');
    expect(log()).toContain('SESSION_TTL_SECONDS: expected a whole number from 60 to 315360000, got "0"');
    expect(log()).toContain('DEMO_DATA: expected true, false, on, off, 1 or 0, got "maybe"');
  });
});
