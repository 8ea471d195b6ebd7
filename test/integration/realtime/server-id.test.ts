import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { type Child, startChild } from '../../harness/child.ts';
import { freePort } from '../../harness/ports.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

const MAIN = fileURLToPath(new URL('../../../services/realtime/src/main.ts', import.meta.url));
const SERVER_ID = 'chat-1';

// Its own Redis: it reaps the servers that died.
let server: RunningRedis;
let redis: Redis;
let dir: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  dir = mkdtempSync(join(tmpdir(), 'chat-realtime-'));
});
afterAll(async () => {
  await redis.quit();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** The process of a replica with the name that both have in this test. */
async function start(): Promise<{ child: Child; port: number; serverId: string }> {
  const port = await freePort();
  const child = await startChild({
    name: 'realtime',
    command: process.execPath,
    args: ['--import', 'tsx', MAIN],
    logFile: join(dir, `${port}.log`),
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), REDIS_URL: server.url, SERVER_ID },
  });
  onTestFinished(async () => {
    await child.stop(1000);
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status;
  await expect.poll(ready, { timeout: 60_000, interval: 100 }).toBe(200);
  const { serverId } = await (await fetch(`http://127.0.0.1:${port}/healthz`)).json();
  return { child, port, serverId };
}

it('a replica that is killed and comes back by the same name leaves no user online, and no cid twice', async () => {
  const account = await createAccount(redis);
  const connect = async (port: number) => {
    const socket = await ChatSocket.connect(`ws://127.0.0.1:${port}/ws`, { token: account.token });
    onTestFinished(() => socket.cut());
    await socket.next('hello');
    return socket;
  };
  const saidWithoutCid = async (socket: ChatSocket) => {
    const before = socket.messages('0').length;
    socket.sendRaw('{"type":"message","data":{"roomId":"0","message":"no cid"}}');
    await expect.poll(() => socket.messages('0').length).toBe(before + 1);
    return socket.messages('0').at(-1)!.cid;
  };
  const online = () => redis.sismember(keys.onlineUsers, account.id);

  const first = await start();
  const firstCid = await saidWithoutCid(await connect(first.port));
  await expect.poll(online).toBe(1);
  first.child.kill('SIGKILL');
  await first.child.exited;
  const second = await start();
  await expect.poll(online, { timeout: 30_000 }).toBe(0);
  expect(await saidWithoutCid(await connect(second.port))).not.toBe(firstCid);
  for (const { serverId } of [first, second]) expect(serverId).toMatch(/^chat-1-[\da-f]{8}$/);
  expect(second.serverId).not.toBe(first.serverId);
});
