import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { isPortFree } from './ports.ts';
import { startRedis } from './redis.ts';

test('the shared Redis of the test run answers', async () => {
  const client = new Redis(inject('redisUrl'));
  expect(await client.ping()).toBe('PONG');
  await client.quit();
});

test('a Redis of its own is stopped with its port and directory given back', async () => {
  const redis = await startRedis();
  const client = new Redis(redis.url);
  const [, dir] = (await client.config('GET', 'dir')) as [string, string];
  await client.quit();
  expect(existsSync(dir)).toBe(true);

  await redis.stop();
  expect(existsSync(dir)).toBe(false);
  expect(await isPortFree(redis.port)).toBe(true);
});

test('with an append-only file the data survives kill -9 and a restart', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'chat-redis-test-'));
  const first = await startRedis({ dir, appendonly: true });
  const before = new Redis(first.url, { lazyConnect: true, retryStrategy: () => null });
  before.on('error', () => undefined);
  await before.connect();
  await before.set('greeting', 'hello');
  process.kill(first.pid as number, 'SIGKILL');
  await first.exited;
  before.disconnect();

  const second = await startRedis({ dir, appendonly: true });
  const after = new Redis(second.url);
  expect(await after.get('greeting')).toBe('hello');
  await after.quit();
  await second.stop();
  rmSync(dir, { recursive: true });
});

test('what was answered survives kill -9 also while the file is being written to the disk', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'chat-redis-test-'));
  const first = await startRedis({ dir, appendonly: true });
  const before = new Redis(first.url, { retryStrategy: () => null });
  before.on('error', () => undefined);
  // Enough for the disk to be busy for a while once a second is over.
  const filler = 'x'.repeat(1024 * 1024);
  let answered = 0;
  const end = Date.now() + 3000;
  for (let flushing = false; !flushing && Date.now() < end; ) {
    await before.set(`filler:${answered % 50}`, filler);
    flushing = /aof_pending_bio_fsync:[1-9]/.test(await before.info('persistence'));
    await before.set('answered', ++answered);
  }
  process.kill(first.pid as number, 'SIGKILL');
  await first.exited;
  before.disconnect();

  const second = await startRedis({ dir, appendonly: true });
  const after = new Redis(second.url);
  expect(Number(await after.get('answered'))).toBe(answered);
  await after.quit();
  await second.stop();
  rmSync(dir, { recursive: true });
});

test('a given port that is taken is an error that shows the log of redis-server', async () => {
  const first = await startRedis();
  await expect(startRedis({ port: first.port })).rejects.toThrow(/ended while it started:[\s\S]*in use/);
  await first.stop();
});
