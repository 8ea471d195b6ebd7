import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../test/harness/ports.ts';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { type AuthServer, startAuth, uniqueName } from './auth-server.ts';

const TIMEOUT_MS = 400;
let redis: RunningRedis;
let auth: AuthServer;

beforeAll(async () => {
  redis = await startRedis({ port: await freePort() });
  auth = await startAuth({ REDIS_URL: redis.url, REDIS_TIMEOUT_MS: String(TIMEOUT_MS) });
});
afterAll(async () => {
  await auth.stop();
  await redis.stop();
});

const login = (username = uniqueName()) =>
  auth.ask('/login', { json: { username, password: 'password123' } });

async function expectUnavailable() {
  const token = 'x'.repeat(43);
  const answers = await Promise.all([
    login(),
    auth.ask('/register', { json: { username: uniqueName(), password: 'password123' } }),
    auth.ask('/me', { headers: { authorization: `Bearer ${token}` } }),
    auth.ask('/logout', { method: 'POST', headers: { cookie: `sid=${token}` } }),
  ]);
  for (const { status, body, headers } of answers) {
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'unavailable' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect(await auth.ask('/readyz')).toMatchObject({
    status: 503,
    body: { ready: false, conditions: { redis: false } },
  });
  expect((await auth.ask('/healthz')).status).toBe(200);
  expect((await auth.ask('/randomname')).status).toBe(200);
}

async function expectRecovery() {
  await vi.waitFor(async () => expect((await auth.ask('/readyz')).status).toBe(200), {
    timeout: 20_000,
    interval: 100,
  });
  expect((await login()).status).toBe(200);
}

describe('while Redis is away', () => {
  it('answers 503 with Retry-After at once, lives on, and recovers by itself', async () => {
    expect((await login()).status).toBe(200);
    await redis.stop();
    await expectUnavailable();
    redis = await startRedis({ port: redis.port });
    await expectRecovery();
  });

  it('does the same while Redis accepts connections and answers nothing', async () => {
    process.kill(redis.pid!, 'SIGSTOP');
    try {
      await expectUnavailable();
    } finally {
      process.kill(redis.pid!, 'SIGCONT');
    }
    await expectRecovery();
  });
});
