import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startRedis } from '../../../test/harness/redis.ts';
import { type HistoryServer, openApi, startHistory, type Visitor } from './history-server.ts';

let history: HistoryServer;
let ann: Visitor;
let redis: HistoryServer['redisServer'];
beforeAll(async () => {
  history = await startHistory({ REDIS_TIMEOUT_MS: '500' });
  redis = history.redisServer;
  ann = await history.visitor();
});
afterAll(async () => {
  await history.stop();
  await redis.stop();
});

const PROBES = ['/healthz', '/readyz', '/metrics'];
const operations = openApi.operations().filter(({ path }) => !PROBES.includes(path));

const LONG = { timeout: 20_000, interval: 100 };

async function expectUnavailable() {
  const answers = await Promise.all(
    operations.map(({ method, path }) =>
      ann.ask(path.replace('{userId}', String(ann.id)).replace('{roomId}', '0'), {
        method,
        json: method === 'POST' ? { user1: ann.id, user2: 2, name: 'x' } : undefined,
      }),
    ),
  );
  for (const { status, body, headers } of answers) {
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'unavailable' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await history.ask('/readyz')).status).toBe(503);
  expect((await history.ask('/healthz')).status).toBe(200);
}

async function expectRecovery(visitor: () => Visitor | Promise<Visitor>) {
  await vi.waitFor(async () => {
    expect((await history.ask('/readyz')).status).toBe(200);
    expect((await (await visitor()).ask('/room/0/messages')).status).toBe(200);
  }, LONG);
}

describe('while Redis is away', () => {
  it('every path answers 503 with Retry-After and none hangs, though Redis is only silent', async () => {
    // A request before it: then the next ones read ahead of the session's check.
    expect((await ann.ask('/room/0/messages')).status).toBe(200);
    process.kill(redis.pid!, 'SIGSTOP');
    try {
      await expectUnavailable();
    } finally {
      process.kill(redis.pid!, 'SIGCONT');
    }
    await expectRecovery(() => ann);
  });

  it('the same when it is gone, and the service recovers by itself', async () => {
    await redis.stop();
    await expectUnavailable();
    redis = await startRedis({ port: redis.port });
    // The new one knows no session of before.
    await expectRecovery(() => history.visitor());
  });
});
