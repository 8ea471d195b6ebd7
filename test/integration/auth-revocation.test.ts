import { createLogger, createMetrics, loadConfig, Readiness, serve } from '@chat/kit';
import { CLUSTER_CHANNEL } from '@chat/protocol';
import { keys, RevocationAnswers } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createApp } from '../../services/auth/src/app.ts';
import { schema } from '../../services/auth/src/config.ts';
import { type Account, createAccount, createSession } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { EventStream } from '../harness/event-stream.ts';
import { OpenApi } from '../harness/openapi.ts';
import { startRealtime, type TestRealtime } from '../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../harness/redis.ts';

const ADMIN_TOKEN = 'a-token-of-at-least-32-characters';
/** Longer than any test: sockets are closed because of the event. */
const CHECK_MS = 600_000;
const openApi = new OpenApi(new URL('../../services/auth/openapi.yaml', import.meta.url));

// Its own Redis: how many replicas answer is looked at.
let server: RunningRedis;
let redis: Redis;
let replicas: [TestRealtime, TestRealtime];
let auth: Awaited<ReturnType<typeof serve>>;
let pablo: Account;
let joe: Account;
let sockets: ChatSocket[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  const env = { SESSION_CHECK_MS: String(CHECK_MS) };
  replicas = [await startRealtime(server.url, env), await startRealtime(server.url, env)];
  const config = loadConfig(schema, { REDIS_URL: server.url, BCRYPT_COST: '4', ADMIN_TOKEN });
  const app = createApp({
    config,
    redis,
    serverId: 'auth-test',
    logger: createLogger({ name: 'auth', level: 'silent' }),
    metrics: createMetrics({ service: 'auth' }),
    readiness: new Readiness(),
  });
  auth = await serve(app, { host: '127.0.0.1', port: 0 });
  // Both are known to live.
  await vi.waitFor(async () => expect(await redis.zcard(keys.servers)).toBe(2), { timeout: 20_000 });
});
afterAll(async () => {
  await auth.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
  await redis.quit();
  await server.stop();
});
beforeEach(async () => {
  sockets = [];
  [pablo, joe] = [await createAccount(redis), await createAccount(redis)];
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
});

const ask = (path: string, token: string, request: Parameters<OpenApi['fetch']>[2] = {}) =>
  openApi.fetch(auth.url, path, {
    method: 'POST',
    ...request,
    headers: { authorization: `Bearer ${token}` },
  });

async function connect(token: string, replica: TestRealtime): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  sockets.push(socket);
  await socket.next('hello');
  return socket;
}
const code = async (socket: ChatSocket) => (await socket.closed).code;
/** Resolves when these sockets are served still. */
const alive = (...open: ChatSocket[]) => Promise.all(open.map((socket) => socket.settle()));

describe('a revocation', () => {
  it('by logout closes that session’s sockets on all replicas, and says how many', async () => {
    const second = await createSession(redis, pablo);
    const ended = [
      await connect(pablo.token, replicas[0]),
      await connect(pablo.token, replicas[0]),
      await connect(pablo.token, replicas[1]),
    ];
    const others = [await connect(second, replicas[0]), await connect(joe.token, replicas[1])];
    const answer = await ask('/logout', pablo.token);
    // All of them are closed by the time of the answer.
    expect(answer).toMatchObject({ status: 200, body: { sessions: 1, closed: 3, unanswered: 0 } });
    expect(await Promise.all(ended.map(code))).toEqual([4401, 4401, 4401]);
    await alive(...others);
  });

  it('of all other sessions leaves the sockets of this one', async () => {
    const second = await createSession(redis, pablo);
    const ended = [await connect(second, replicas[0]), await connect(second, replicas[1])];
    const others = [await connect(pablo.token, replicas[1]), await connect(joe.token, replicas[1])];
    const answer = await ask('/sessions?others=true', pablo.token, { method: 'DELETE' });
    expect(answer.body).toEqual({ sessions: 1, closed: 2, unanswered: 0 });
    expect(await Promise.all(ended.map(code))).toEqual([4401, 4401]);
    await alive(...others);
  });

  it('by a new password closes the sockets of those who know the old one', async () => {
    const credentials = { username: 'changing', password: 'password123' };
    const login = async () => (await ask('/login', '', { json: credentials })).body.token as string;
    const [own, stolen] = [await login(), await login()];
    const [mine, theirs] = [await connect(own, replicas[0]), await connect(stolen, replicas[1])];
    const answer = await ask('/password', own, { json: { old: 'password123', new: 'password456' } });
    expect(answer.body).toEqual({ sessions: 1, closed: 1, unanswered: 0 });
    expect(await code(theirs)).toBe(4401);
    await alive(mine);
  });

  it('by an admin closes all sockets of the user, event streams too', async () => {
    const second = await createSession(redis, pablo);
    const ended = [await connect(pablo.token, replicas[0]), await connect(second, replicas[1])];
    const stream = await EventStream.open(`${replicas[1].url}/stream`, { authorization: `Bearer ${second}` });
    await stream.next('hello');
    const others = [await connect(joe.token, replicas[0])];
    const answer = await ask('/admin/revoke', ADMIN_TOKEN, { json: { userId: pablo.id } });
    expect(answer.body).toEqual({ sessions: 2, closed: 3, unanswered: 0 });
    expect(await Promise.all(ended.map(code))).toEqual([4401, 4401]);
    expect((await stream.next('close')).data).toMatchObject({ code: 4401 });
    await alive(...others);
    // Nobody counts the stream as a connection any more.
    await expect.poll(() => redis.sismember(keys.onlineUsers, pablo.id), { timeout: 10_000 }).toBe(0);
    expect(await replicas[1].metric('chat_streams')).toBe(0);
  });

  it('reaches sockets whose session is just being looked up', async () => {
    for (let round = 0; round < 20; round++) {
      const token = await createSession(redis, pablo);
      const connecting = ChatSocket.connect(replicas[round % 2]!.socketUrl, { token });
      await new Promise((resolve) => setTimeout(resolve, round / 4));
      await ask('/logout', token);
      const socket = await connecting;
      sockets.push(socket);
      expect(await code(socket)).toBe(4401);
    }
  });

  it('that nobody heard of is found by looking, every SESSION_CHECK_MS', async () => {
    const checking = await startRealtime(server.url, { SESSION_CHECK_MS: '200' });
    onTestFinished(() => checking.stop());
    const open = [await connect(pablo.token, checking), await connect(pablo.token, checking)];
    const other = await connect(joe.token, checking);
    await redis.del(keys.session(pablo.session));
    expect(await Promise.all(open.map(code))).toEqual([4401, 4401]);
    await alive(other);
    await other.close();
  });

  it('does not wait for a replica that died, and says that it did not answer', async () => {
    const socket = await connect(pablo.token, replicas[0]);
    await redis.zadd(keys.servers, Date.now() / 1000 + 60, 'dead-1');
    const answer = await ask('/logout', pablo.token);
    expect(answer.body).toEqual({ sessions: 1, closed: 1, unanswered: 1 });
    expect(await code(socket)).toBe(4401);
    await redis.zrem(keys.servers, 'dead-1');
  });

  it('with an id that is none is carried out, and answered nowhere', async () => {
    const socket = await connect(pablo.token, replicas[0]);
    const data = { session: pablo.session, request: '../x' };
    await redis.publish(CLUSTER_CHANNEL, JSON.stringify({ serverId: 'x', type: 'session.revoked', data }));
    expect(await code(socket)).toBe(4401);
    expect(await redis.exists(keys.revocation('../x'))).toBe(0);
    expect(await new RevocationAnswers(redis).collect('unknown')).toMatchObject({ closed: 0, unanswered: 2 });
  });
});
