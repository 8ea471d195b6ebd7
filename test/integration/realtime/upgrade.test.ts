import { keys, Sessions } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Account, createAccount, createSession, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket, UpgradeRefused } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';

let redis: Redis;
let replica: TestRealtime;
let account: Account;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  replica = await startRealtime(inject('redisUrl'), {
    ALLOWED_ORIGINS: 'https://chat.example.org',
    SOCKETS_PER_USER: '3',
    SESSION_CHECK_MS: '200',
  });
  account = await createAccount(redis);
});
afterAll(async () => {
  await replica.stop();
  await removeAccounts(redis, [account]);
  await redis.quit();
});

const refusal = async (connecting: Promise<ChatSocket>) => {
  const error = await connecting.then(
    () => new Error('the upgrade was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof UpgradeRefused)) throw error;
  return { status: error.status, code: error.body.code };
};

describe('an upgrade', () => {
  it('takes the session from the Authorization header or from the cookie', async () => {
    const first = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    const second = await ChatSocket.connect(replica.socketUrl, { cookie: `a=b; sid=${account.token}` });
    for (const socket of [first, second]) {
      expect((await socket.next('hello')).user.id).toBe(account.id);
      await socket.close();
    }
  });

  it('with a forged session is closed with 4401 before anything is sent', async () => {
    const socket = await ChatSocket.connect(replica.socketUrl, { token: 'A'.repeat(43) });
    expect((await socket.closed).code).toBe(4401);
    expect(socket.frames).toEqual([]);
  });

  it.each([
    ['without a session', {}],
    ['with one that is no token', { token: '../x' }],
    ['with a cookie of garbage', { cookie: 'sid=%00' }],
  ])('%s is refused: 401, or close code 4401 for a browser', async (_, options) => {
    expect(await refusal(ChatSocket.connect(replica.socketUrl, options))).toEqual({
      status: 401,
      code: 'unauthenticated',
    });
    const browser = await ChatSocket.connect(replica.socketUrl, { ...options, origin: replica.url });
    expect((await browser.closed).code).toBe(4401);
    expect(browser.frames).toEqual([]);
  });

  it('with a session that expired is refused', async () => {
    const token = await createSession(redis, account);
    const socket = await ChatSocket.connect(replica.socketUrl, { token });
    // Looking a session up may prolong it: let that be over.
    await socket.next('hello');
    await socket.close();
    const { hash } = (await new Sessions(redis, { ttlSeconds: 60, serverId: 'test' }).find(token))!;
    await redis.pexpire(keys.session(hash), 1);
    await expect.poll(() => redis.exists(keys.session(hash))).toBe(0);
    const expired = await ChatSocket.connect(replica.socketUrl, { token });
    expect((await expired.closed).code).toBe(4401);
  });

  it.each(['https://evil.example', 'http://127.0.0.1.evil.example', 'null', 'file://'])(
    'from the foreign origin %s is closed with 4403 before anything is sent',
    async (origin) => {
      const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token, origin });
      expect((await socket.closed).code).toBe(4403);
      expect(socket.frames).toEqual([]);
    },
  );

  it.each(['http://127.0.0.1:1', 'https://127.0.0.1', 'https://chat.example.org'])(
    'from the origin %s is accepted: the own host name on any port, or one that is listed',
    async (origin) => {
      const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token, origin });
      await socket.next('hello');
      await socket.close();
    },
  );

  it('beyond the sockets of one user is refused, and the others stay', async () => {
    // Those that other tests closed are counted until the next telling of presence.
    await expect.poll(() => redis.hlen(keys.userConnections(account.id))).toBe(0);
    const open: ChatSocket[] = [];
    for (let index = 0; index < 3; index++) {
      open.push(await ChatSocket.connect(replica.socketUrl, { token: account.token }));
      await open[index]!.next('hello');
    }
    const refused = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    expect((await refused.closed).code).toBe(4429);
    await open[0]!.say('0', 'still here');
    await Promise.all(open.map((socket) => socket.close()));
  });

  it('keeps what a client sends before it is known who it is', async () => {
    const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    await socket.say('0', 'eager');
    expect(socket.frames[0]!.type).toBe('hello');
    await socket.close();
  });

  it('of a client that sends very much before it is known who it is is closed', async () => {
    const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    for (let index = 0; index < 100; index++) socket.send({ type: 'ping', data: index });
    // Unless the look-up was faster: then all are answered.
    const end = await Promise.race([socket.closed, socket.next('pong', (data) => data === 99)]);
    expect(end === 99 || (end as { code: number }).code === 4429).toBe(true);
    socket.cut();
  });

  it('counts its outcomes', async () => {
    expect(await replica.metric('chat_upgrades_total', 'accepted')).toBeGreaterThan(0);
    expect(await replica.metric('chat_upgrades_total', 'unauthenticated')).toBeGreaterThan(0);
    expect(await replica.metric('chat_upgrades_total', 'origin_refused')).toBeGreaterThan(0);
  });
});

describe('the end of a session', () => {
  it('closes its sockets at once, and no others of the user', async () => {
    const token = await createSession(redis, account);
    const sessions = new Sessions(redis, { ttlSeconds: 60, serverId: 'auth' });
    const [ended, other] = [
      await ChatSocket.connect(replica.socketUrl, { token }),
      await ChatSocket.connect(replica.socketUrl, { token: account.token }),
    ];
    await ended.next('hello');
    expect(await sessions.revoke((await sessions.find(token))!)).toMatchObject({ sessions: 1, closed: 1 });
    expect((await ended.closed).code).toBe(4401);
    await other.say('0', 'still here');
    await other.close();
  });

  it('closes them even when nobody said so', async () => {
    const token = await createSession(redis, account);
    const sessions = new Sessions(redis, { ttlSeconds: 60, serverId: 'auth' });
    const socket = await ChatSocket.connect(replica.socketUrl, { token });
    await redis.del(keys.session((await sessions.find(token))!.hash));
    expect((await socket.closed).code).toBe(4401);
  });
});

describe('the port of the socket plane', () => {
  it('has sockets, which hear what those of the other port say', async () => {
    const open = await ChatSocket.connect(`${replica.planeUrl.replace('http', 'ws')}/ws`, {
      token: account.token,
    });
    const own = await ChatSocket.connect(replica.socketUrl, { token: account.token });
    await open.settle();
    await own.say('0', 'over two ports', 'c-plane');
    await open.next('message', ({ cid }) => cid === 'c-plane');
    await Promise.all([open.close(), own.close()]);
  });

  it.each(['/', '/metrics', '/readyz', '/healthz', '/stream'])('has no %s', async (path) => {
    expect((await fetch(replica.planeUrl + path)).status).toBe(404);
  });
});

describe('over plain HTTP', () => {
  it('answers probes, metrics and what is not there', async () => {
    const get = async (path: string, init?: RequestInit) => {
      const response = await fetch(replica.url + path, init);
      return { status: response.status, body: await response.text() };
    };
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(JSON.parse((await get('/readyz')).body)).toMatchObject({
      ready: true,
      serverId: replica.serverId,
    });
    expect((await get('/metrics')).body).toContain('chat_sockets ');
    expect(await get('/nothing')).toMatchObject({ status: 404, body: expect.stringContaining('not_found') });
    expect(await get('/../../package.json')).toMatchObject({ status: 404 });
    expect(await get('/ws')).toMatchObject({ status: 400, body: expect.stringContaining('bad_request') });
    expect(await get('/', { method: 'POST' })).toMatchObject({ status: 405 });
  });
});
