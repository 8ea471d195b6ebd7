import { connect } from 'node:net';
import { Appender, draft, keys, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
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

async function open(headers: Record<string, string> = {}, on = replica): Promise<EventStream> {
  const stream = await EventStream.open(`${on.url}/stream`, {
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

  it('goes on where it began when the line breaks before the first message', async () => {
    const first = await open();
    const { id } = await first.next('hello');
    first.close();
    await writer.say(room, 'meanwhile');
    const second = await open({ 'last-event-id': id! });
    await second.next('message', ({ message }) => message === 'meanwhile');
  });

  it('passes over no room when another one is ahead of time', async () => {
    const other = (await new Rooms(redis).createNamed('other', pablo.id)).id;
    await new Rooms(redis).join(joe.id, other);
    const ahead = Date.now() / 1000 + 3000;
    await redis.zadd(
      keys.room(room),
      ahead,
      JSON.stringify({ from: joe.id, date: ahead, message: 'ahead', roomId: room }),
    );
    onTestFinished(async () => {
      await redis.del(keys.room(room));
    });
    // A replica that begins now takes the foreign message for the end of the room.
    const late = await startRealtime(server.url, { LIMITS: 'off' });
    onTestFinished(() => late.stop());
    const first = await open({}, late);
    await writer.say(room, 'one');
    const { id } = await first.next('message', ({ message }) => message === 'one');
    first.close();
    await writer.say(other, 'two');
    const second = await open({ 'last-event-id': id! }, late);
    await second.next('resumed');
    expect(second.events.map(({ data }) => data.message)).toContain('two');
  });

  it('brings what waited for a slow client as soon as it reads, without another event', async () => {
    const patient = await startRealtime(server.url, { LIMITS: 'off', MAX_BACKPRESSURE_BYTES: '67108864' });
    onTestFinished(() => patient.stop());
    const socket = connect(Number(new URL(patient.url).port), '127.0.0.1');
    onTestFinished(() => {
      socket.destroy();
    });
    socket.write(`GET /stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${joe.token}\r\n\r\n`);
    let tail = '';
    let events = 0;
    socket.on('data', (bytes) => {
      const parts = (tail + bytes.toString('latin1')).split('\nevent: ');
      events += parts.length - 1;
      tail = parts.at(-1)!.slice(-'\nevent: '.length);
    });
    await expect.poll(() => events).toBeGreaterThan(0);
    socket.pause();
    const before = events;
    const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
    const batch = Array.from({ length: 250 }, () =>
      draft(pablo.id, room, 'x'.repeat(4000), undefined, false),
    );
    const relayed = () => patient.metric('chat_relayed_total');
    // More than the buffers of any system take.
    for (let n = 0; n < 20; n++) await appender.append(room, batch);
    await expect.poll(relayed, { timeout: 30_000 }).toBeGreaterThanOrEqual(5000);
    socket.resume();
    // Less than the time after which a comment is sent anyway.
    await expect.poll(() => events - before, { timeout: 12_000 }).toBeGreaterThanOrEqual(5000);
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
