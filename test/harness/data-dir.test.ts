import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataDir, DataDirInUseError } from './data-dir.ts';
import { startRedis } from './redis.ts';

let path = '';
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'chat-data-test-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const file = { redis: { url: 'redis://127.0.0.1:1' }, auth: [], history: [], realtime: [] };

test('a directory belongs to one cluster at a time', async () => {
  const dir = await DataDir.take(path);
  dir.write(file);
  const before = readdirSync(path);
  await expect(DataDir.take(path)).rejects.toThrow(DataDirInUseError);
  await expect(DataDir.take(path)).rejects.toThrow(`(pid ${process.pid})`);
  expect(readdirSync(path)).toEqual(before);

  dir.release();
  expect(existsSync(join(path, 'cluster.json'))).toBe(false);
  (await DataDir.take(path)).release();
});

test('cluster.json is whole and what was written last', async () => {
  const dir = await DataDir.take(path);
  dir.write(file);
  dir.write({ ...file, sockets: { url: 'ws://127.0.0.1:2' } });
  expect(JSON.parse(readFileSync(join(path, 'cluster.json'), 'utf8')).sockets.url).toBe('ws://127.0.0.1:2');
  expect(readdirSync(path).filter((name) => name.startsWith('cluster.json'))).toEqual(['cluster.json']);
  dir.release();
});

test.each([
  ['of a process that is gone', `${spawnSync('true').pid} 1`],
  ['of a process whose pid another one has now', `${process.pid} 1`],
  ['that is not whole', ''],
])('a lock %s does not count', async (_, content) => {
  writeFileSync(join(path, 'cluster.lock'), content);
  (await DataDir.take(path)).release();
});

test('a Redis that an owner left behind is waited for', async () => {
  const redis = await startRedis();
  const left = { ...file, redis: { url: redis.url, pid: redis.pid } };
  writeFileSync(join(path, 'cluster.json'), JSON.stringify(left));
  let taken = false;
  const taking = DataDir.take(path).then((dir) => {
    taken = true;
    return dir;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(taken).toBe(false);
  await redis.stop();
  (await taking).release();
});

test('the logs of the run before stay readable', async () => {
  const first = await DataDir.take(path);
  writeFileSync(join(first.logs, 'auth.log'), 'first');
  first.release();
  const second = await DataDir.take(path);
  expect(readdirSync(second.logs)).toEqual([]);
  expect(readFileSync(join(path, 'logs.previous/auth.log'), 'utf8')).toBe('first');
  second.release();
});
