import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Appender, draft, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Account, createAccount } from '../../harness/accounts.ts';
import { EventStream } from '../../harness/event-stream.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

const ROOMS = 300;

let server: RunningRedis;
let redis: Redis;
let replica: TestRealtime;
let pablo: Account;
let joe: Account;
let rooms: string[];
let appender: Appender;
const streams: EventStream[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replica = await startRealtime(server.url, { LIMITS: 'off' });
  [pablo, joe] = [await createAccount(redis), await createAccount(redis)];
  rooms = [];
  for (let n = 0; n < ROOMS; n++) {
    const { id } = await new Rooms(redis).createNamed(`room ${n}`, pablo.id);
    await new Rooms(redis).join(joe.id, id);
    rooms.push(id);
  }
  appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
});
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});
afterAll(async () => {
  await replica.stop();
  await redis.quit();
  await server.stop();
});

/** As an EventSource that comes back, with headers like those of a browser. */
async function open(lastEventId?: string): Promise<EventStream> {
  const stream = await EventStream.open(`${replica.url}/stream`, {
    authorization: `Bearer ${joe.token}`,
    'user-agent': 'x'.repeat(500),
    cookie: `theme=${'x'.repeat(500)}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  });
  streams.push(stream);
  await stream.next(lastEventId === undefined ? 'hello' : 'resumed');
  return stream;
}

/** The status line that a request gets whose header comes in two parts, as over any line but the loopback. */
async function statusInParts(lastEventId: string): Promise<string> {
  const { hostname, port } = new URL(replica.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  const lines = ['GET /stream HTTP/1.1', 'Host: x', `Authorization: Bearer ${joe.token}`];
  const head = [...lines, `Last-Event-ID: ${lastEventId}`, '', ''].join('\r\n');
  socket.write(head.slice(0, -4));
  await sleep(200);
  socket.write(head.slice(-4));
  const [answer] = await once(socket, 'data');
  return String(answer).split('\r\n')[0]!;
}

/** Another server stores these in every room, and relays them. */
async function sayInAll(...texts: string[]): Promise<void> {
  const drafts = (room: string) => texts.map((text) => draft(pablo.id, room, text, undefined, false));
  await Promise.all(rooms.map((room) => appender.append(room, drafts(room))));
}

/** The rooms in which a stream was told this, one for each time. */
const roomsOf = (stream: EventStream, text: string): string[] =>
  stream.events.flatMap(({ type, data }) =>
    type === 'message' && data.message === text ? [data.roomId] : [],
  );
const lastId = (stream: EventStream) => stream.events.findLast(({ id }) => id !== undefined)!.id!;

describe('a stream with hundreds of rooms that talk', () => {
  it('can be resumed, and misses nothing', async () => {
    const first = await open();
    await sayInAll('one');
    await expect.poll(() => roomsOf(first, 'one').length).toBe(ROOMS);
    const id = lastId(first);
    first.close();
    expect(await statusInParts(id)).toContain(' 200 ');
    await sayInAll('two');
    const second = await open(id);
    await sayInAll('three');
    await expect.poll(() => roomsOf(second, 'three').length).toBe(ROOMS);
    expect(roomsOf(second, 'two')).toHaveLength(ROOMS);
    expect(new Set(roomsOf(second, 'two'))).toEqual(new Set(rooms));
    // The resume's own id is one to go on from.
    second.close();
    const third = await open(lastId(second));
    await sayInAll('four');
    await third.next('message', ({ message }) => message === 'four');
  });

  it('is not taken for a slow one for the ids of what a resume brings', async () => {
    const first = await open();
    await sayInAll('before');
    await expect.poll(() => roomsOf(first, 'before').length).toBe(ROOMS);
    const id = lastId(first);
    first.close();
    await sayInAll(...Array.from({ length: 10 }, (_, n) => `${n}`));
    let bytes = 0;
    const response = await fetch(`${replica.url}/stream`, {
      headers: { authorization: `Bearer ${joe.token}`, 'last-event-id': id },
    });
    let text = '';
    for await (const chunk of response.body!) {
      bytes += chunk.length;
      text += Buffer.from(chunk).toString();
      if (text.includes('event: resumed')) break;
    }
    expect(text.match(/^event: message$/gm)!.length).toBeGreaterThanOrEqual(10 * ROOMS);
    expect(bytes).toBeLessThan(1024 * 1024);
  });
});
