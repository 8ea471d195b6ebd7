import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { type Child, startChild } from '../../harness/child.ts';
import { freePort } from '../../harness/ports.ts';

const MAIN = fileURLToPath(new URL('../../../services/realtime/src/main.ts', import.meta.url));
const LONG = { timeout: 45_000, interval: 50 };

let redis: Redis;
let account: Account;
let directory: string;
let child: Child | undefined;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  account = await createAccount(redis);
  directory = mkdtempSync(join(tmpdir(), 'chat-drain-'));
});
afterAll(async () => {
  await child?.stop();
  await removeAccounts(redis, [account]);
  await redis.quit();
  rmSync(directory, { recursive: true, force: true });
});

it('a replica with more sockets than its rate allows for ends them all in time, and itself with 0', async () => {
  const port = await freePort();
  const logFile = join(directory, 'realtime.log');
  child = await startChild({
    name: 'realtime',
    command: process.execPath,
    args: ['--import', 'tsx', MAIN],
    logFile,
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      REDIS_URL: inject('redisUrl'),
      LIMITS: 'off',
      REDIS_TIMEOUT_MS: '2000',
      // At that rate the last of 20 would go after 19 s.
      DRAIN_RATE: '1',
      DRAIN_GRACE_MS: '100',
      SHUTDOWN_TIMEOUT_MS: '8000',
    },
  });
  const ready = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(ready, LONG).toBe(true);
  const sockets: ChatSocket[] = [];
  for (let n = 0; n < 20; n++) {
    const socket = await ChatSocket.connect(`ws://127.0.0.1:${port}/ws`, { token: account.token });
    await socket.next('hello');
    sockets.push(socket);
  }
  child.kill('SIGTERM');
  expect(await child.exited, readFileSync(logFile, 'utf8')).toEqual({ code: 0, signal: null });
  for (const socket of sockets) {
    expect((await socket.closed).code).toBe(1012);
    await socket.next('reconnect');
  }
});
