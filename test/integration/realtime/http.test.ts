import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { RawHttp } from '../../harness/raw-http.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';

/** More than the system takes for a client that reads nothing. */
const LARGE = 8 * 1024 * 1024;
const web = mkdtempSync(join(tmpdir(), 'chat-head-'));
let redis: Redis;
let replica: TestRealtime;
let account: Account;

beforeAll(async () => {
  mkdirSync(join(web, 'assets'));
  writeFileSync(join(web, 'index.html'), '<meta name="chat-config" content=""><p>chat</p>');
  writeFileSync(join(web, 'assets', 'app.js'), 'export const words = "many words, many words, many words";');
  writeFileSync(join(web, 'assets', 'large.png'), Buffer.alloc(LARGE, 'many words '));
  writeFileSync(join(web, 'assets', 'empty.css'), '');
  redis = new Redis(inject('redisUrl'));
  replica = await startRealtime(inject('redisUrl'), { WEB_DIR: web });
  account = await createAccount(redis);
});
afterAll(async () => {
  await replica.stop();
  await removeAccounts(redis, [account]);
  await redis.quit();
  rmSync(web, { recursive: true });
});

async function connect(url: string): Promise<RawHttp> {
  const connection = await RawHttp.connect(url);
  onTestFinished(() => connection.close());
  return connection;
}

/** What an answer says, without what differs from one moment to the next. */
function said({ status, headers }: { status: number; headers: Map<string, string> }): unknown {
  const kept = [...headers].filter(
    ([name]) => !['date', 'content-length', 'transfer-encoding'].includes(name),
  );
  return { status, headers: Object.fromEntries(kept) };
}

const gzip = { 'Accept-Encoding': 'gzip' };

it.each<[string, Record<string, string>]>([
  ['/', {}],
  ['/', gzip],
  ['/assets/app.js', {}],
  ['/assets/app.js', { 'Accept-Encoding': 'br' }],
  ['/assets/empty.css', {}],
  ['/healthz', {}],
  ['/readyz', {}],
  ['/metrics', {}],
  ['/ws', {}],
  ['/stream', {}],
  ['/stream', { Authorization: 'Bearer of-nobody' }],
  ['/stream?lastEventId=x', {}],
  ['/nothing', {}],
])('answers HEAD %s as GET, without the body', async (path, headers) => {
  const connection = await connect(replica.url);
  const head = await connection.ask('HEAD', path, headers);
  // On the same connection: a body, or a length that is waited for, would stand before this answer.
  const get = await connection.ask('GET', path, headers);
  expect(said(head)).toEqual(said(get));
  // The numbers in metrics move on.
  if (path !== '/metrics') expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
});

it('answers HEAD of a file that the client has as GET', async () => {
  const connection = await connect(replica.url);
  const etag = (await connection.ask('GET', '/')).headers.get('etag')!;
  const head = await connection.ask('HEAD', '/', { 'If-None-Match': etag });
  expect(said(head)).toEqual(said(await connection.ask('GET', '/', { 'If-None-Match': etag })));
  expect(head.status).toBe(304);
});

it('answers HEAD of a stream with its headers, and opens none', async () => {
  const authorization = { Authorization: `Bearer ${account.token}` };
  const connection = await connect(replica.url);
  const head = await connection.ask('HEAD', '/stream', authorization);
  expect(head.status).toBe(200);
  expect(head.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect((await connection.ask('GET', '/healthz')).status).toBe(200);
  expect(await replica.metric('chat_streams')).toBe(0);
});

it('answers HEAD on the socket plane as GET', async () => {
  const connection = await connect(replica.planeUrl);
  for (const [path, status] of [
    ['/ws', 400],
    ['/', 404],
    ['/metrics', 404],
  ] as const) {
    const head = await connection.ask('HEAD', path);
    expect(said(head)).toEqual(said(await connection.ask('GET', path)));
    expect(head.status).toBe(status);
  }
});

const GET_LARGE = 'GET /assets/large.png HTTP/1.1\r\nHost: chat\r\n\r\n';

it('sends a large file as the client takes it, and goes on with the connection', async () => {
  const connection = await connect(replica.url);
  for (let asked = 0; asked < 3; asked++) {
    const { body } = await connection.ask('GET', '/assets/large.png');
    expect(body.length).toBe(LARGE);
  }
});

it('cuts a client that asks on and on without taking what it is answered', async () => {
  const socket = connectTo({ host: '127.0.0.1', port: Number(new URL(replica.url).port) });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  const asked = 20;
  socket.write(GET_LARGE.repeat(asked));
  await expect.poll(() => socket.bytesWritten).toBe(GET_LARGE.length * asked);
  for (let turn = 0; turn < 10; turn++) await replica.metric('chat_sockets');
  let received = 0;
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
    // All of it waited in the replica's memory.
    if (received >= asked * LARGE) socket.destroy();
  });
  socket.resume();
  await once(socket, 'close');
  expect(received).toBeLessThan((asked * LARGE) / 2);
});
