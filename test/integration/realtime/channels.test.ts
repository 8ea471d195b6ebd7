import { CLUSTER_CHANNEL, privateRoomId } from '@chat/protocol';
import { keys, Sessions } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { RoomEvents } from '../../../services/history/src/room-events.ts';
import { type Account, createAccount, createSession } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

/** What the tutorial's servers read of each type that they know. */
const TUTORIAL = new Map([
  ['message', ['from', 'date', 'message', 'roomId']],
  ['user.connected', ['id', 'username', 'online']],
  ['user.disconnected', ['id', 'username', 'online']],
  ['show.room', ['id', 'names']],
]);

// Its own Redis: all that is published on it is looked at.
let server: RunningRedis;
let redis: Redis;
let listener: Redis;
let replicas: [TestRealtime, TestRealtime];
let heard: { type: string; data: Record<string, unknown> }[];
let pablo: Account;
let joe: Account;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  listener = redis.duplicate();
  await listener.subscribe('MESSAGES');
  listener.on('message', (_channel, text) => heard.push(JSON.parse(text)));
  const env = { LIMITS: 'off', SESSION_CHECK_MS: '600000' };
  replicas = [await startRealtime(server.url, env), await startRealtime(server.url, env)];
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  listener.disconnect();
  await redis.quit();
  await server.stop();
});
beforeEach(async () => {
  heard = [];
  [pablo, joe] = [await createAccount(redis), await createAccount(redis)];
});

async function connect(replica: TestRealtime, { token }: { token: string }): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  await socket.next('hello');
  await socket.settle();
  return socket;
}

describe('MESSAGES', () => {
  it('carries what a server written to the tutorial knows, whatever is done, and nothing else', async () => {
    const [a, b] = [await connect(replicas[0], pablo), await connect(replicas[1], joe)];
    const events = new RoomEvents(redis, 'history-test', true);

    await a.say('0', 'hello');
    await b.next('message', ({ message }) => message === 'hello');
    a.send({ type: 'typing', data: { roomId: '0' } });
    await b.next('typing');
    const id = privateRoomId(pablo.id, joe.id)!;
    await redis.sadd(keys.userRooms(pablo.id), id);
    await redis.sadd(keys.userRooms(joe.id), id);
    await events.privateRoom(id, [pablo.username, joe.username]);
    await b.next('show.room', (room) => room.id === id);
    await a.say(id, 'psst');
    await b.next('message', ({ message }) => message === 'psst');
    await events.namedRoom('7', 'Lunch', joe.id);
    expect(await b.next('show.room', (room) => room.id === '7')).toMatchObject({ id: '7' });

    // As many at once as are told in one event.
    const crowd = await Promise.all(Array.from({ length: 20 }, () => createAccount(redis)));
    const arrived = await Promise.all(crowd.map((account) => connect(replicas[0], account)));
    await expect.poll(() => redis.scard(keys.onlineUsers)).toBe(22);
    await Promise.all(arrived.map((socket) => socket.close()));
    await expect.poll(() => redis.scard(keys.onlineUsers)).toBe(2);

    const sessions = new Sessions(redis, { ttlSeconds: 60, serverId: 'auth-test' });
    await sessions.revoke({ hash: pablo.session, user: pablo });
    expect((await a.closed).code).toBe(4401);
    await sessions.revokeAll(joe.id);
    expect((await b.closed).code).toBe(4401);
    await expect
      .poll(() => heard.filter(({ type }) => type === 'user.disconnected').length)
      .toBeGreaterThan(1);

    for (const { type, data } of heard) {
      expect([...TUTORIAL.keys()]).toContain(type);
      expect(Object.keys(data)).toEqual(expect.arrayContaining(TUTORIAL.get(type)!));
    }
    expect(new Set(heard.map(({ type }) => type))).toEqual(new Set(TUTORIAL.keys()));
  });

  it.each([
    ['session.revoked', () => ({ session: joe.session })],
    ['session.revoked', () => ({ userId: joe.id })],
    ['typing', () => ({ roomId: '0', from: pablo.id })],
    ['room.renamed', () => ({ id: '0', name: 'Renamed' })],
    ['room.granted', () => ({ id: '7', name: 'Lunch', userId: joe.id })],
    ['show.room', () => ({ id: '7', name: 'Lunch', userId: joe.id })],
    ['users.changed', () => ({ connected: [{ id: 777, username: 'Frida' }], disconnected: [] })],
    ['server.heartbeat', () => ({ count: 1, sockets: 0 })],
  ])('is not believed when it says %s, which servers of this cluster alone tell: %#', async (type, data) => {
    const socket = await connect(replicas[1], joe);
    const before = await ignored();
    await redis.publish('MESSAGES', JSON.stringify({ serverId: 4132, type, data: data() }));
    await expect.poll(ignored).toBe(before + 1);
    await socket.say('0', 'still here');
    const shown = socket.frames.map((frame) => frame.type as string);
    expect(shown).not.toContain(type === 'room.granted' ? 'show.room' : type);
    await socket.close();
  });

  async function ignored(): Promise<number> {
    const [unknown, malformed] = await Promise.all(
      ['unknown', 'malformed'].map((type) => replicas[1].metric('chat_envelopes_ignored_total', type)),
    );
    return unknown! + malformed!;
  }
});

describe('with SHARE_PRIVATE=false', () => {
  it('keeps private rooms off MESSAGES, where every server would hand them to everybody', async () => {
    const env = { SHARE_PRIVATE: 'false' };
    const discreet = await Promise.all([startRealtime(server.url, env), startRealtime(server.url, env)]);
    onTestFinished(async () => {
      await Promise.all(discreet.map((replica) => replica.stop()));
    });
    const [a, b] = [await connect(discreet[0], pablo), await connect(discreet[1], joe)];
    const id = privateRoomId(pablo.id, joe.id);
    await redis.sadd(keys.userRooms(joe.id), id);
    await redis.sadd(keys.userRooms(pablo.id), id);
    await new RoomEvents(redis, 'history-test', false).privateRoom(id, [pablo.username, joe.username]);
    for (const socket of [a, b]) await socket.next('show.room', (room) => room.id === id);
    const date = await a.say(id, 'between us');
    expect(await b.next('message', ({ roomId }) => roomId === id)).toMatchObject({ date, from: pablo.id });
    await a.say('0', 'for all');
    await b.next('message', ({ message }) => message === 'for all');
    await expect.poll(() => heard.map(({ data }) => data.message)).toContain('for all');
    expect(heard.filter(({ data }) => data.roomId === id || data.id === id)).toEqual([]);
  });
});

describe("the cluster's own channel", () => {
  it('may carry what is not known: it is counted and ignored', async () => {
    const socket = await connect(replicas[1], joe);
    const unknown = () => replicas[1].metric('chat_envelopes_ignored_total', 'unknown');
    const before = await unknown();
    await redis.publish(
      CLUSTER_CHANNEL,
      JSON.stringify({ serverId: 'x', type: 'server.meltdown', data: {} }),
    );
    await expect.poll(unknown).toBe(before + 1);
    await socket.close();
  });

  it('ends sessions when it says so', async () => {
    const token = await createSession(redis, joe);
    const [kept, ended] = [await connect(replicas[1], { token }), await connect(replicas[1], joe)];
    const data = { session: joe.session };
    await redis.publish(CLUSTER_CHANNEL, JSON.stringify({ serverId: 'x', type: 'session.revoked', data }));
    expect((await ended.closed).code).toBe(4401);
    await kept.say('0', 'still here');
    await kept.close();
  });
});
