import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Child, startChild } from '../../../test/harness/child.ts';
import { freePort } from '../../../test/harness/ports.ts';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { openApi, uniqueName } from './auth-server.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'chat-auth-'));
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
    name: 'auth',
    command: process.execPath,
    args: ['--import', 'tsx', MAIN],
    logFile: join(dir, `auth-${port}.log`),
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      REDIS_URL: redis.url,
      BCRYPT_COST: '4',
      ...env,
    },
  });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  return {
    child,
    port,
    url,
    ask: openApi.fetch.bind(openApi, url),
    log: () => readFileSync(child.logFile, 'utf8'),
  };
}

const untilReady = ({ url, child, log }: Awaited<ReturnType<typeof start>>) =>
  vi.waitFor(
    async () => {
      if (!child.running()) throw new Error(log());
      expect((await openApi.fetch(url, '/readyz')).status).toBe(200);
    },
    { timeout: 25_000, interval: 100 },
  );

describe('the auth process', () => {
  it('writes the demo data once, however many start together, and lets its users in', async () => {
    const servers = await Promise.all([start(), start(), start()]);
    await Promise.all(servers.map(untilReady));
    const written = servers.filter(({ log }) => log().includes('demo data written'));
    expect(written).toHaveLength(1);
    expect(await db.get('total_users')).toBe('4');
    const answer = await servers[0]!.ask('/login', { json: { username: 'Pablo', password: 'password123' } });
    expect(answer.body).toMatchObject({ id: 1, username: 'Pablo' });
  });

  it('leaves Redis empty with DEMO_DATA=false', async () => {
    await untilReady(await start({ DEMO_DATA: 'false' }));
    expect(await db.dbsize()).toBe(0);
  });

  it('starts without Redis, is not ready, and seeds once it is there', async () => {
    const port = await freePort();
    const server = await start({ REDIS_URL: `redis://127.0.0.1:${port}` });
    await vi.waitFor(
      async () =>
        expect((await server.ask('/readyz')).body.conditions).toEqual({
          serving: true,
          seeded: false,
          redis: false,
        }),
      { timeout: 25_000, interval: 100 },
    );
    const late = await startRedis({ port });
    try {
      await untilReady(server);
      expect(server.log()).toContain('demo data written');
    } finally {
      await server.child.stop();
      await late.stop();
    }
  });

  it('ends on SIGTERM with code 0 after the requests under way are answered', async () => {
    const server = await start({
      BCRYPT_COST: '12',
      BCRYPT_CONCURRENCY: '1',
      SHUTDOWN_DELAY_MS: '1000',
      SHUTDOWN_TIMEOUT_MS: '30000',
    });
    await untilReady(server);
    const logins = Array.from({ length: 6 }, () =>
      server.ask('/login', { json: { username: uniqueName(), password: 'password123' } }),
    );
    await vi.waitFor(
      async () => expect((await server.ask('/metrics')).body).toMatch(/auth_bcrypt_queue_length\S* [1-9]/),
      { timeout: 15_000 },
    );
    server.child.kill('SIGTERM');
    expect((await Promise.all(logins)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(await server.child.exited).toEqual({ code: 0, signal: null });
    expect(server.log()).not.toContain('"level":50');
  });

  it('ends on SIGTERM with code 0 while Redis is away', async () => {
    const server = await start({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    await vi.waitFor(() => expect(server.log()).toContain('auth listens'), { timeout: 25_000 });
    server.child.kill('SIGTERM');
    expect(await server.child.exited).toEqual({ code: 0, signal: null });
  });

  it('does not start with bad settings and names each of them, but no password', async () => {
    const { child, log } = await start({
      PORT: 'abc',
      BCRYPT_COST: '99',
      AUTO_REGISTER: 'maybe',
      REDIS_URL: 'http://:hunter22@redis',
    });
    expect((await child.exited).code).toBe(1);
    expect(log()).toContain('PORT: expected a port, got "abc"');
    expect(log()).toContain('BCRYPT_COST: expected a whole number from 4 to 15, got "99"');
    expect(log()).toContain('AUTO_REGISTER: expected true, false, on, off, 1 or 0, got "maybe"');
    expect(log()).toContain(
      'REDIS_URL: expected redis://host:port or rediss://host:port, got "http://:***@redis"',
    );
    expect(log()).not.toContain('hunter22');
  });

  it('does not start on a port that is taken', async () => {
    const first = await start();
    await untilReady(first);
    const second = await start({ PORT: String(first.port) });
    expect((await second.child.exited).code).toBe(1);
    expect(second.log()).toContain('EADDRINUSE');
    expect((await first.ask('/healthz')).status).toBe(200);
  });
});
