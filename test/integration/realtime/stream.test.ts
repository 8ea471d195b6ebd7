import { Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { EventStream } from '../../harness/event-stream.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { told } from '../../harness/told.ts';

const SOON = { timeout: 15_000 };

// Its own Redis: others talk in General too.
let server: RunningRedis;
let redis: Redis;
let replica: TestRealtime;
let pablo: Account;
let joe: Account;
let room: string;
let writer: ChatSocket;
let streams: EventStream[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replica = await startRealtime(server.url, { LIMITS: 'off' });
  [pablo, joe] = [await createAccount(redis), await createAccount(redis)];
  writer = await ChatSocket.connect(replica.socketUrl, { token: pablo.token });
  await writer.next('hello');
});
afterAll(async () => {
  await writer.close();
  await replica.stop();
  await removeAccounts(redis, [pablo, joe]);
  await redis.quit();
  await server.stop();
});
beforeEach(async () => {
  streams = [];
  room = (await new Rooms(redis).createPrivate(pablo.id, joe.id))!.id;
});
afterEach(() => {
  for (const stream of streams) stream.close();
});

async function open(headers: Record<string, string> = {}): Promise<EventStream> {
  const stream = await EventStream.open(`${replica.url}/stream`, {
    authorization: `Bearer ${joe.token}`,
    ...headers,
  });
  streams.push(stream);
  await stream.next('hello');
  return stream;
}

describe('GET /stream', () => {
  it('says hello and brings messages at once, each as an event of its type', async () => {
    const stream = await open();
    const date = await writer.say(room, 'Hello\nworld "🎉"');
    const event = await stream.next('message');
    expect(event.data).toMatchObject({ from: pablo.id, date, message: 'Hello\nworld "🎉"', roomId: room });
    expect(stream.events[0]!.type).toBe('hello');
  });

  it('goes on after the last event that the client had', async () => {
    const first = await open();
    await writer.say(room, 'one');
    const { id } = await first.next('message');
    first.close();
    await writer.say(room, 'two');
    await writer.say('0', 'in General');
    const second = await open({ 'last-event-id': id! });
    await writer.say(room, 'three');
    await second.next('message', ({ message }) => message === 'three');
    const texts = second.events.flatMap(({ type, data }) => (type === 'message' ? [data.message] : []));
    expect(texts.toSorted()).toEqual(['in General', 'three', 'two']);
    expect(texts.indexOf('two')).toBeLessThan(texts.indexOf('three'));
  });

  it('counts for presence and ends with its session', async () => {
    const stream = await open();
    await vi.waitFor(() => expect(told(writer, joe.id).at(-1)).toBe(true), SOON);
    stream.close();
    await vi.waitFor(() => expect(told(writer, joe.id).at(-1)).toBe(false), SOON);
  });

  it.each([
    ['without a session', {}, 401, 'unauthenticated'],
    ['from a foreign origin', { origin: 'https://evil.example' }, 403, 'origin_refused'],
    ['after an event that never was', { 'last-event-id': 'x' }, 400, 'bad_request'],
  ])('%s is refused', async (_, headers, status, code) => {
    const response = await fetch(`${replica.url}/stream`, {
      headers: status === 401 ? headers : { authorization: `Bearer ${joe.token}`, ...headers },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});
