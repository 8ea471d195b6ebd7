import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { restartReplicas } from './rolling-restart.ts';

const SOON = { timeout: 15_000 };

function setUp() {
  const dataDir = mkdtempSync(join(tmpdir(), 'chat-restart-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const end = new AbortController();
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const restart = (command?: string) =>
    restartReplicas({ dataDir, command, local: command === undefined, log, signal: end.signal });
  return { dataDir, end, lines, restart };
}

/** Somebody who says that they are this replica. */
async function replica(serverId: string): Promise<string> {
  const server = createServer((_, response) => response.end(JSON.stringify({ serverId })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A process that ends on SIGTERM, and that nobody starts again. */
function bystander() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test('a command that fails has restarted nothing', async () => {
  const { restart } = setUp();
  expect(await restart('exit 3')).toEqual({
    metric: 'restart command',
    rule: 'ended with code 3',
    ok: false,
  });
  expect(await restart('true')).toMatchObject({ rule: 'ended with code 0', ok: true });
});

test('a command that goes on when the run has ended is ended, with what it has started', async () => {
  const { dataDir, end, restart } = setUp();
  const file = join(dataDir, 'pid');
  const outcome = restart(`sleep 600 & echo $! > ${file}; wait`);
  await vi.waitFor(() => expect(existsSync(file) && readFileSync(file, 'utf8')).toMatch(/\d\n/), SOON);
  end.abort();
  expect(await outcome).toMatchObject({ rule: 'had not ended when the run did', ok: false });
  const pid = Number(readFileSync(file, 'utf8'));
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), SOON);
});

test('what was not restarted when the run ended is told', async () => {
  const { dataDir, end, lines, restart } = setUp();
  const url = await replica('r1');
  const child = bystander();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const realtime = ['r1', 'r2'].map((serverId) => ({ serverId, url, pid: child.pid }));
  writeFileSync(join(dataDir, 'cluster.json'), JSON.stringify({ realtime }));
  const outcome = restart();
  await ended;
  end.abort();
  expect(await outcome).toEqual({ metric: 'replicas restarted', rule: '0 of 2', ok: false });
  expect(lines.join('\n')).not.toContain('all replicas');
});

test('a process whose pid a cluster left behind is not ended', async () => {
  const { dataDir, lines, restart } = setUp();
  const child = bystander();
  const realtime = [{ serverId: 'gone', url: await replica('another'), pid: child.pid }];
  writeFileSync(join(dataDir, 'cluster.json'), JSON.stringify({ realtime }));
  expect(await restart()).toMatchObject({ rule: '0 of 1', ok: false });
  expect(isRunning(child.pid!)).toBe(true);
  expect(lines.join('\n')).toContain('is the cluster running?');
});

test('with nobody to restart them it asks for it, and the run decides', async () => {
  const { dataDir, end, lines } = setUp();
  const options = { dataDir, command: undefined, local: false, signal: end.signal };
  expect(await restartReplicas({ ...options, log: (line) => void lines.push(line) })).toBeUndefined();
  expect(lines.join('\n')).toContain('restart the replicas now');
});

/** A process that has ended and is not waited for yet runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
