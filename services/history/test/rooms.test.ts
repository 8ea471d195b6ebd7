import { CHANNEL, CLUSTER_CHANNEL, parseEnvelope } from '@chat/protocol';
import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type HistoryServer, startHistory, type Visitor } from './history-server.ts';

let history: HistoryServer;
let subscriber: Redis;
let ann: Visitor;
let bob: Visitor;
let heard: { channel: string; type: string; data: unknown }[] = [];
beforeAll(async () => {
  history = await startHistory();
  subscriber = new Redis(history.redisServer.url);
  await subscriber.subscribe(CHANNEL, CLUSTER_CHANNEL);
  subscriber.on('message', (channel, text) => {
    const { type, data } = parseEnvelope(text)!;
    heard.push({ channel, type, data });
  });
});
afterAll(async () => {
  subscriber.disconnect();
  await history.stop();
});
beforeEach(async () => {
  [ann, bob] = [await history.visitor(), await history.visitor()];
  heard = [];
});

const untilHeard = (channel: string, type: string, data: object) =>
  vi.waitFor(() => expect(heard).toContainEqual({ channel, type, data }), { timeout: 15_000 });

describe('POST /room', () => {
  const room = (visitor: Visitor, user1: unknown, user2: unknown) =>
    visitor.ask('/room', { json: { user1, user2 } });

  it('makes the private room of two users and tells their sockets', async () => {
    const id = `${ann.id}:${bob.id}`;
    const names = [ann.username, bob.username];
    expect(await room(bob, bob.id, ann.id)).toMatchObject({ status: 201, body: { id, names } });
    await untilHeard(CHANNEL, 'show.room', { id, names });
    for (const user of [ann, bob]) {
      expect(await history.redis.sismember(keys.userRooms(user.id), id)).toBe(1);
    }
  });

  it('answers 200 with the same the next time', async () => {
    const first = await room(ann, ann.id, bob.id);
    const second = await room(bob, String(ann.id), String(bob.id));
    expect(second).toMatchObject({ status: 200, body: first.body });
  });

  it('makes one room when both ask at once', async () => {
    const answers = await Promise.all([room(ann, ann.id, bob.id), room(bob, bob.id, ann.id)]);
    expect(answers[0]!.body).toEqual(answers[1]!.body);
    expect(answers.map(({ status }) => status)).toContain(201);
  });
});

describe('POST /rooms', () => {
  it('makes a named room with its creator in it and tells the sockets', async () => {
    const { status, body } = await ann.ask('/rooms', { json: { name: '  Mittag 🍜 ' } });
    expect(status).toBe(201);
    expect(body).toEqual({ id: expect.stringMatching(/^[1-9]\d*$/), name: 'Mittag 🍜' });
    await untilHeard(CLUSTER_CHANNEL, 'room.granted', { id: body.id, name: 'Mittag 🍜', userId: ann.id });
    expect(await history.redis.get(keys.roomName(body.id))).toBe('Mittag 🍜');
    expect((await ann.ask(`/room/${body.id}/messages`)).body).toEqual([]);
  });

  it('gives rooms of one name different ids', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => ann.ask('/rooms', { json: { name: 'Twin' } })));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3);
  });
});

describe('POST /rooms/:id/join', () => {
  const join = (visitor: Visitor, id: string) => visitor.ask(`/rooms/${id}/join`, { method: 'POST' });

  it('lets a user into a named room and tells that user alone', async () => {
    const { body: room } = await ann.ask('/rooms', { json: { name: 'Lunch' } });
    await ann.say(room.id, 'Hello');
    expect(await join(bob, room.id)).toMatchObject({ status: 200, body: { id: room.id, name: 'Lunch' } });
    await untilHeard(CLUSTER_CHANNEL, 'room.granted', { id: room.id, name: 'Lunch', userId: bob.id });
    expect((await bob.ask(`/room/${room.id}/messages`)).body).toMatchObject([{ message: 'Hello' }]);
    expect((await join(bob, room.id)).status).toBe(200);
  });

  it('finds no room that does not exist, and lets nobody into private ones', async () => {
    expect(await join(bob, '999999999')).toMatchObject({ status: 404, body: { code: 'room_not_found' } });
    const eve = await history.visitor();
    await ann.ask('/room', { json: { user1: ann.id, user2: bob.id } });
    for (const visitor of [ann, eve]) {
      expect(await join(visitor, `${ann.id}:${bob.id}`)).toMatchObject({
        status: 403,
        body: { code: 'room_forbidden' },
      });
    }
    expect(await history.redis.smembers(keys.userRooms(eve.id))).toEqual(['0']);
  });
});

describe('GET /rooms/:userId', () => {
  it('lists the own rooms with their names: General, named, private', async () => {
    const { body: lunch } = await ann.ask('/rooms', { json: { name: 'Lunch' } });
    await ann.ask('/room', { json: { user1: ann.id, user2: bob.id } });
    const { status, body } = await ann.ask(`/rooms/${ann.id}`);
    expect(status).toBe(200);
    expect(body).toEqual([
      { id: '0', name: 'General', names: ['General'] },
      { id: lunch.id, name: 'Lunch', names: ['Lunch'] },
      { id: `${ann.id}:${bob.id}`, names: [ann.username, bob.username] },
    ]);
  });

  it('shows rooms that a foreign server made, without what it garbled', async () => {
    await history.redis.sadd(keys.userRooms(ann.id), `${ann.id}:${bob.id}`, 'undefined', '1:2:3', '../x');
    const { body } = await ann.ask(`/rooms/${ann.id}`);
    expect(body.map(({ id }: { id: string }) => id)).toEqual(['0', `${ann.id}:${bob.id}`]);
  });

  it('keeps the rooms of others to themselves', async () => {
    expect(await ann.ask(`/rooms/${bob.id}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('rooms', () => {
  it('are not made, opened or joined without end, until LIMITS=off', async () => {
    for (const [env, expected] of [
      [{ ROOMS_PER_USER: '3' }, { status: 429, body: { code: 'rate_limited' } }],
      [{ ROOMS_PER_USER: '3', LIMITS: 'off' }, { status: 201 }],
    ] as const) {
      const few = await startHistory(env);
      try {
        const [eager, other] = [await few.visitor(), await few.visitor()];
        const { body: made } = await eager.ask('/rooms', { json: { name: 'First' } });
        await eager.ask(`/rooms/${made.id}/join`, { method: 'POST' });
        await eager.ask('/room', { json: { user1: eager.id, user2: other.id } });
        const answer = await eager.ask('/rooms', { json: { name: 'One too many' } });
        expect(answer).toMatchObject(expected);
        if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(3000);
        expect((await other.ask('/rooms', { json: { name: 'Of another' } })).status).toBe(201);
        expect((await eager.ask(`/room/${made.id}/messages`)).status).toBe(200);
      } finally {
        await few.stop();
      }
    }
  });
});
