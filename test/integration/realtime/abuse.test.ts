import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket, UpgradeRefused } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';

let redis: Redis;
let account: Account;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  account = await createAccount(redis);
});
afterAll(async () => {
  await removeAccounts(redis, [account]);
  await redis.quit();
});

async function start(env: Record<string, string> = {}): Promise<TestRealtime> {
  const replica = await startRealtime(inject('redisUrl'), env);
  onTestFinished(() => replica.stop());
  return replica;
}

async function open(replica: TestRealtime, headers: Record<string, string> = {}): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token: account.token, headers });
  onTestFinished(async () => socket.cut());
  return socket;
}

async function refusal(opening: Promise<ChatSocket>): Promise<{ status: number; code: string }> {
  const error: unknown = await opening.then(
    () => new Error('the upgrade was accepted'),
    (reason) => reason,
  );
  if (!(error instanceof UpgradeRefused)) throw error;
  return { status: error.status, code: error.body.code };
}
const limited = { status: 429, code: 'rate_limited' };
const full = { status: 503, code: 'server_full' };

const errors = (socket: ChatSocket, code: string) =>
  socket.frames.filter((frame) => frame.type === 'error' && frame.data.code === code).length;

describe('one user', () => {
  it('gets no more sockets than allowed when all are asked for at once', async () => {
    const replica = await start({ SOCKETS_PER_USER: '3' });
    const sockets = await Promise.all(Array.from({ length: 24 }, () => open(replica)));
    const outcomes = await Promise.all(
      sockets.map((socket) =>
        Promise.race([socket.closed.then(({ code }) => code), socket.next('hello').then(() => 0)]),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 0)).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === 4429)).toHaveLength(21);
  });

  it('gets no more streams than allowed when all are asked for at once', async () => {
    const replica = await start({ SOCKETS_PER_USER: '3' });
    const ending = new AbortController();
    onTestFinished(() => ending.abort());
    const headers = { authorization: `Bearer ${account.token}` };
    const answers = await Promise.all(
      Array.from({ length: 24 }, () => fetch(`${replica.url}/stream`, { headers, signal: ending.signal })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(21);
  });

  it('gets no new allowance of messages by coming again', async () => {
    const replica = await start({ MESSAGES_PER_SECOND: '1', MESSAGE_BURST: '5' });
    const say = (socket: ChatSocket, count: number) => {
      for (let n = 0; n < count; n++)
        socket.send({
          type: 'message',
          data: { roomId: '0', message: 'x' },
          cid: `${performance.now()}-${n}`,
        });
    };
    const first = await open(replica);
    await first.next('hello');
    say(first, 5);
    await first.settle();
    expect(errors(first, 'rate_limited')).toBe(0);
    await first.close();
    const again = await open(replica);
    await again.next('hello');
    // More than are given anew in the time that this took.
    say(again, 40);
    await again.settle();
    expect(errors(again, 'rate_limited')).toBeGreaterThan(0);
  });
});

describe('one address', () => {
  const few = { UPGRADES_PER_SECOND: '1', UPGRADE_BURST: '3' };

  /** Opens sockets until one is refused: the allowance is three, and one more with each second. */
  async function expectAllowance(opening: () => Promise<ChatSocket>): Promise<void> {
    const from = performance.now();
    let accepted = 0;
    for (;;) {
      const attempt = opening();
      const refused = await attempt.then(
        () => false,
        () => true,
      );
      if (refused) {
        expect(await refusal(attempt)).toEqual(limited);
        break;
      }
      accepted++;
    }
    expect(accepted).toBeGreaterThanOrEqual(3);
    expect(accepted).toBeLessThanOrEqual(3 + (performance.now() - from) / 1000);
  }

  // Where all that takes longer than a second, a connection more is allowed.
  it('may ask for so many connections at once, sockets, streams and failures together', {
    retry: 5,
  }, async () => {
    const replica = await start(few);
    await open(replica);
    const failed = await ChatSocket.connect(replica.socketUrl, { token: 'A'.repeat(43) });
    expect((await failed.closed).code).toBe(4401);
    const headers = { authorization: `Bearer ${account.token}` };
    expect((await fetch(`${replica.url}/stream`)).status).toBe(401);
    expect(await refusal(open(replica))).toEqual(limited);
    // A browser could not read a close code sooner than it may come back.
    expect(await refusal(open(replica, { origin: replica.url }))).toEqual(limited);
    const stream = await fetch(`${replica.url}/stream`, { headers });
    expect(stream.status).toBe(429);
    expect(Number(stream.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await replica.metric('chat_upgrades_total', 'rate_limited')).toBe(2);
    await expect
      .poll(
        () =>
          open(replica).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
  });

  it('is the one that the gateway saw, whatever the client claims, where there is a gateway', async () => {
    const replica = await start({ ...few, TRUST_PROXY: 'true' });
    const from = (forwarded: string) => open(replica, { 'x-forwarded-for': forwarded });
    let n = 0;
    await expectAllowance(() => from(`10.0.0.${n++}, 203.0.113.7`));
    await from('203.0.113.8');
    // All of a /64 network is one customer's.
    await expectAllowance(() => from(`2001:db8::${n++}`));
    await expectAllowance(() => from(`garbage ${n++}`));
  });

  it('cannot be made up where there is none', async () => {
    const replica = await start(few);
    let n = 0;
    await expectAllowance(() => open(replica, { 'x-forwarded-for': `203.0.113.${n++}` }));
  });

  it('cannot be made up on the socket plane, which no gateway stands before', async () => {
    const replica = await start({ ...few, TRUST_PROXY: 'true' });
    const url = `${replica.planeUrl.replace('http', 'ws')}/ws`;
    const opened: ChatSocket[] = [];
    onTestFinished(async () => {
      for (const socket of opened) socket.cut();
    });
    await expectAllowance(async () => {
      const headers = { 'x-forwarded-for': `203.0.113.${opened.length}` };
      const socket = await ChatSocket.connect(url, { token: account.token, headers });
      opened.push(socket);
      return socket;
    });
  });
});

describe('a replica', () => {
  it('takes so many connections, and says clearly that it is full before it looks anything up', async () => {
    const replica = await start({ MAX_SOCKETS: '2' });
    const socket = await open(replica);
    await socket.next('hello');
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const headers = { authorization: `Bearer ${account.token}` };
    expect((await fetch(`${replica.url}/stream`, { headers, signal: abort.signal })).status).toBe(200);
    expect(await refusal(open(replica))).toEqual(full);
    expect(await refusal(open(replica, { origin: replica.url }))).toEqual(full);
    // Not even who it is from.
    expect(await refusal(ChatSocket.connect(replica.socketUrl))).toEqual(full);
    const stream = await fetch(`${replica.url}/stream`, { headers });
    expect({ status: stream.status, code: (await stream.json()).code }).toEqual(full);
    expect(stream.headers.get('retry-after')).toBe('5');
    // What is open is served still, and what is no connection too.
    await socket.settle();
    expect((await fetch(`${replica.url}/healthz`)).status).toBe(200);
    await socket.close();
    await expect
      .poll(
        () =>
          open(replica).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
  });

  it('is not held up by connections that never become one', async () => {
    const replica = await start();
    const port = Number(new URL(replica.url).port);
    const head = 'GET /ws HTTP/1.1\r\nHost: x\r\nX-Slow: ';
    const slow = (text: string, drip: string) => {
      const socket = connectTcp(port, '127.0.0.1', () => socket.write(text));
      const dripping = setInterval(() => socket.write(drip), 1000);
      socket.on('error', () => undefined).resume();
      return once(socket, 'close').finally(() => clearInterval(dripping));
    };
    const closed = Promise.all([slow('', ''), slow('GET /w', ''), slow(head, ''), slow(head, 'a')]);
    await expect(closed).resolves.toHaveLength(4);
    const large = connectTcp(port, '127.0.0.1', () => large.write(head + 'a'.repeat(100_000)));
    large.on('error', () => undefined);
    let answer = '';
    large.on('data', (data) => {
      answer += data;
    });
    await once(large, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('one socket', () => {
  // So slow that a test of any length sees no token come back.
  const slow = { FRAMES_PER_SECOND: '1', FRAME_BURST: '20' };

  it.each([
    ['pings', 21, (socket: ChatSocket) => socket.send({ type: 'ping' })],
    ['typing', 21, (socket: ChatSocket) => socket.send({ type: 'typing', data: { roomId: '0' } })],
    ['joins', 21, (socket: ChatSocket) => socket.send({ type: 'room.join', data: { roomId: '999999' } })],
    ['what is no JSON', 5, (socket: ChatSocket) => socket.sendRaw('{')],
    ['binary frames', 5, (socket: ChatSocket) => socket.sendRaw(Buffer.from('{}'))],
    ['frames that are too large', 5, (socket: ChatSocket) => socket.sendRaw('x'.repeat(17_000))],
  ])(
    'may send some %s; it is warned when there are too many, and closed when it goes on',
    async (_, warnAt, send) => {
      const replica = await start(slow);
      const [socket, other] = [await open(replica), await open(replica)];
      await Promise.all([socket.next('hello'), other.next('hello')]);
      for (let n = 0; n < warnAt; n++) send(socket);
      await socket.next('error', ({ code }) => code === 'rate_limited');
      expect(errors(socket, 'rate_limited')).toBe(1);
      for (let n = 0; n < 40; n++) send(socket);
      expect(await socket.closed).toMatchObject({ code: 4429 });
      // Other sockets of the same user are not to blame.
      await other.say('0', 'still here');
    },
  );

  it('is closed for pings of the protocol without end', async () => {
    const replica = await start(slow);
    const socket = new WebSocket(replica.socketUrl, {
      headers: { authorization: `Bearer ${account.token}` },
    });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    await once(socket, 'message');
    for (let n = 0; n < 100; n++) socket.ping();
    expect((await closed)[0]).toBe(4429);
  });

  it('pays for resumes by the rooms that they name', async () => {
    const replica = await start(slow);
    const socket = await open(replica);
    await socket.next('hello');
    const rooms = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`${900_000 + n}`, 0]));
    socket.send({ type: 'resume', data: { rooms } });
    await socket.next('resumed');
    socket.send({ type: 'resume', data: { rooms } });
    await socket.next('error', ({ code }) => code === 'rate_limited');
    socket.send({ type: 'resume', data: { rooms } });
    expect((await socket.closed).code).toBe(4429);
  });

  it('that sends messages too fast is told of each, until it does not listen', async () => {
    const replica = await start({ ...slow, MESSAGES_PER_SECOND: '1', MESSAGE_BURST: '5' });
    const socket = await open(replica);
    await socket.next('hello');
    const say = (n: number) =>
      socket.send({ type: 'message', data: { roomId: '0', message: 'x' }, cid: `f-${n}` });
    for (let n = 0; n < 15; n++) say(n);
    await socket.next('error', ({ cid }) => cid === 'f-14');
    expect(errors(socket, 'rate_limited')).toBe(10);
    for (let n = 15; n < 70; n++) say(n);
    expect((await socket.closed).code).toBe(4429);
  });

  it('may do all of it with LIMITS=off', async () => {
    const tight = { ...slow, MAX_SOCKETS: '1', UPGRADES_PER_SECOND: '1', UPGRADE_BURST: '1' };
    const replica = await start({ ...tight, LIMITS: 'off' });
    const sockets = await Promise.all([1, 2, 3].map(() => open(replica)));
    for (const socket of sockets) {
      await socket.next('hello');
      for (let n = 0; n < 100; n++) socket.send({ type: 'ping' });
      for (let n = 0; n < 100; n++) socket.sendRaw('{');
      await socket.settle();
      expect(errors(socket, 'bad_json')).toBe(100);
    }
  });
});
