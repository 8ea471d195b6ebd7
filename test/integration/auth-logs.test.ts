import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Child, startChild } from '../harness/child.ts';
import { freePort } from '../harness/ports.ts';
import { type RunningRedis, startRedis } from '../harness/redis.ts';

const LONG = { timeout: 60_000, interval: 50 };
const PASSWORD = 'users-pa55word';
const WRONG = 'wrong-pa55word';
const REDIS_PASSWORD = 'redis-pa55word';
const ADMIN_TOKEN = 'admin-t0ken-of-at-least-32-characters';

const dir = mkdtempSync(join(tmpdir(), 'chat-logs-'));
const children: Child[] = [];
let server: RunningRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  await redis.config('SET', 'requirepass', REDIS_PASSWORD);
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()));
  redis.disconnect();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A service as its own process that logs all that it can. */
async function start(name: 'auth' | 'history' | 'realtime', password = REDIS_PASSWORD) {
  const port = await freePort();
  const child = await startChild({
    name,
    command: process.execPath,
    args: ['--import', 'tsx', fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url))],
    logFile: join(dir, `${name}-${port}.log`),
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      REDIS_URL: `redis://:${password}@127.0.0.1:${server.port}`,
      LOG_LEVEL: 'trace',
      BCRYPT_COST: '4',
      DEMO_DATA: 'false',
      ADMIN_TOKEN,
    },
  });
  children.push(child);
  return { url: `http://127.0.0.1:${port}`, log: () => readFileSync(child.logFile, 'utf8') };
}

async function untilReady({ url, log }: Awaited<ReturnType<typeof start>>): Promise<void> {
  await expect
    .poll(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status ?? log(), LONG)
    .toBe(200);
}

describe('the logs of all services', () => {
  it('hold no password, token or cookie, whatever goes right or wrong', async () => {
    const services = [await start('auth'), await start('history'), await start('realtime')] as const;
    await Promise.all(services.map(untilReady));
    const [auth, history, realtime] = services;
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(auth.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    const credentials = { username: 'Ann', password: PASSWORD };
    const { id, token } = await (await post('/register', credentials)).json();
    const bearer = { authorization: `Bearer ${token}` };
    const cookie = { cookie: `theme=dark; sid=${token}` };

    await post('/login', credentials);
    expect((await post('/login', { ...credentials, password: WRONG })).status).toBe(401);
    // Cut JSON, which a parser may quote in its error.
    expect((await post('/login', `{"username":"Ann","password":"${PASSWORD}`)).status).toBe(400);
    await post('/password', { old: WRONG, new: PASSWORD }, cookie);
    expect(
      (await post('/admin/revoke', { userId: 7 }, { authorization: `Bearer ${ADMIN_TOKEN}` })).status,
    ).toBe(404);
    await post('/admin/revoke', { userId: 7 }, { authorization: `Bearer ${ADMIN_TOKEN}x` });
    await fetch(`${history.url}/rooms/${id}?token=${token}`, { headers: cookie });
    await fetch(`${realtime.url}/stream?token=${token}`, { headers: { ...cookie, 'last-event-id': 'x' } });
    const socket = await ChatSocket.connect(
      `${realtime.url.replace('http', 'ws')}/ws?token=${token}`,
      cookie,
    );
    await socket.next('hello');
    socket.sendRaw(`{"type":"login","data":"${token}"`);
    await socket.say('0', 'Hello');
    await socket.close();

    // Errors that nobody expects, each with the command that failed and its arguments.
    await redis.call('ACL', 'SETUSER', 'default', '-smembers', '-hget', '-incr');
    expect((await fetch(`${history.url}/rooms/${id}`, { headers: cookie })).status).toBe(500);
    const refused = await ChatSocket.connect(`${realtime.url.replace('http', 'ws')}/ws`, { token });
    expect((await refused.closed).code).toBe(1013);
    expect((await post('/login', credentials)).status).toBe(500);
    expect((await post('/register', { username: 'Bob', password: PASSWORD }, bearer)).status).toBe(500);
    await redis.call('ACL', 'SETUSER', 'default', '+@all');

    const hash = await redis.hget(keys.user(id), 'password');
    for (const { log } of services) {
      const text = log();
      expect(text).toContain('"level":50');
      expect(text).toContain('NOPERM');
      for (const secret of [PASSWORD, WRONG, REDIS_PASSWORD, ADMIN_TOKEN, token, hash])
        expect(text).not.toContain(secret);
    }
  });

  it('tell that Redis refuses the password, but not which one', async () => {
    const services = [await start('auth', WRONG), await start('realtime', WRONG)];
    for (const { log } of services) {
      await expect.poll(log, LONG).toContain('WRONGPASS');
      expect(log()).not.toContain(WRONG);
    }
  });
});
