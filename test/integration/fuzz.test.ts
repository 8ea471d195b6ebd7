import { createMetrics } from '@chat/kit';
import {
  CHANNEL,
  CLUSTER_CHANNEL,
  type ClientFrame,
  ERRORS,
  FrameError,
  isCid,
  isRoomId,
  parseClientFrame,
  readMessage,
} from '@chat/protocol';
import { keys } from '@chat/store';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RealtimeMetrics } from '../../services/realtime/src/metrics.ts';
import { Relay } from '../../services/realtime/src/relay.ts';
import { StreamCursor } from '../../services/realtime/src/stream-cursor.ts';
import { createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { startRealtime } from '../harness/realtime.ts';
import { startRedis } from '../harness/redis.ts';

/** Each property is tried for so long; a nightly run may take minutes. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 3);
const BOUNDED = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: SECONDS * 1000,
  markInterruptAsFailure: false,
};

const ROOMS = ['0', '7', '1:2', '2:1', '01', '1:1', '__proto__', '999999999999999', 'x'];
const roomId = fc.oneof(fc.constantFrom<unknown>(...ROOMS, 0, 7, -1, 1.5, null), fc.jsonValue());
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 1e21, 1615480369.123456));
const nested = fc
  .tuple(fc.integer({ min: 1, max: 8000 }), fc.constantFrom(['[', ']'], ['{"a":', '}']))
  .map(([depth, [open, close]]) => `${open!.repeat(depth)}1${close!.repeat(depth)}`);

/** JSON in which any value may stand in place of what belongs there. */
const frame = fc
  .record(
    {
      type: fc.oneof(
        fc.constantFrom(
          'message',
          'room.join',
          'room.leave',
          'resume',
          'typing',
          'ping',
          'hello',
          '__proto__',
        ),
        fc.jsonValue(),
      ),
      data: fc.oneof(
        fc.record(
          {
            roomId,
            message: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
            since: fc.oneof(number, fc.jsonValue()),
            rooms: fc.oneof(fc.dictionary(fc.constantFrom(...ROOMS), number), fc.jsonValue()),
          },
          { requiredKeys: [] },
        ),
        roomId,
        fc.jsonValue({ maxDepth: 5 }),
      ),
      cid: fc.oneof(fc.constantFrom('c-1', 'a b', ''), fc.jsonValue()),
      retry: fc.jsonValue(),
    },
    { requiredKeys: ['type'] },
  )
  .map((value) => JSON.stringify(value));

/** A text with some of its characters replaced, repeated or left out. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const cut = fc.record({
    at: fc.nat(),
    remove: fc.nat(4),
    put: fc.string({ unit: 'binary', maxLength: 4 }),
  });
  return fc.tuple(text, fc.array(cut, { maxLength: 3 })).map(([whole, cuts]) =>
    cuts.reduce((left, { at, remove, put }) => {
      const start = at % (left.length + 1);
      return left.slice(0, start) + put + left.slice(start + remove);
    }, whole),
  );
}

const frameText = fc.oneof(
  frame,
  damaged(frame),
  nested,
  nested.map((deep) => `{"type":"ping","data":${deep}}`),
  nested.map((deep) => `{"type":${deep}}`),
  nested.map((deep) => `{"type":"room.join","data":{"roomId":${deep}}}`),
  fc.string({ unit: 'binary' }),
  fc.json(),
);

function roomsOf({ type, data }: ClientFrame): string[] {
  if (type === 'ping') return [];
  return type === 'resume' ? Object.keys(data.rooms) : [data.roomId];
}

describe('parseClientFrame', () => {
  it('reads whatever comes into a sound frame, or refuses it with a code', () => {
    fc.assert(
      fc.property(frameText, (text) => {
        let read: ClientFrame;
        try {
          read = parseClientFrame(text);
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
          expect(ERRORS).toHaveProperty(error.code);
          expect(error.message.length).toBeLessThan(200);
          expect(error.cid === undefined || isCid(error.cid)).toBe(true);
          return;
        }
        expect(roomsOf(read).filter((id) => !isRoomId(id))).toEqual([]);
        // Part of it is written again, into answers and into messages.
        JSON.stringify(read);
        if (read.type === 'message') expect(read.cid === undefined || isCid(read.cid)).toBe(true);
        if (read.type === 'resume')
          for (const since of Object.values(read.data.rooms)) expect(since).toBeGreaterThanOrEqual(0);
      }),
      BOUNDED,
    );
  });
});

const OWN = 'host-1a2b';
const TYPES = [
  ...['message', 'user.connected', 'user.disconnected', 'users.changed', 'show.room', 'room.renamed'],
  ...['room.granted', 'session.revoked', 'typing', 'server.heartbeat', 'unknown'],
];
const SOUND =
  '{"serverId":"host-3c4d","type":"message","data":{"from":1,"date":1615480369.123456,"message":"Grüße \\"🎉\\"","roomId":"1:2","prev":1615480301.5,"cid":"c-1"}}';

const id = fc.oneof(fc.constantFrom<unknown>(1, '1', 2, 0, -1, '01'), fc.jsonValue());
const user = fc.record(
  { id, username: fc.oneof(fc.string(), fc.jsonValue()), at: number },
  { requiredKeys: [] },
);
const envelope = fc
  .record(
    {
      serverId: fc.oneof(fc.constantFrom<unknown>(OWN, 'host-3c4d', 4132), fc.jsonValue()),
      type: fc.oneof(fc.constantFrom(...TYPES), fc.jsonValue()),
      data: fc.oneof(
        fc.record(
          {
            ...{
              from: id,
              date: fc.oneof(number, fc.string()),
              message: fc.string({ unit: 'binary' }),
              roomId,
            },
            ...{ prev: fc.oneof(number, fc.jsonValue()), cid: fc.jsonValue(), id: fc.oneof(roomId, id) },
            ...{ username: fc.string(), userId: id, name: fc.jsonValue(), names: fc.jsonValue() },
            ...{ session: fc.jsonValue(), connected: fc.array(user), disconnected: fc.jsonValue() },
            ...{ at: number, count: number, sockets: fc.jsonValue(), except: fc.jsonValue() },
            request: fc.oneof(fc.string(), fc.jsonValue()),
          },
          { requiredKeys: [] },
        ),
        user,
        fc.jsonValue(),
      ),
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value));

const channel = fc.constantFrom(CHANNEL, CLUSTER_CHANNEL);

const envelopeBytes = fc.oneof(
  envelope.map((text) => Buffer.from(text)),
  damaged(fc.oneof(envelope, fc.constant(SOUND))).map((text) => Buffer.from(text)),
  // One byte of it, as no text would have it; and digits for digits, which keep the layout.
  fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0x30, 0x39, 0x2e))).map(([at, byte]) => {
    const bytes = Buffer.from(SOUND);
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
  nested.map((deep) => Buffer.from(`{"serverId":1,"type":"show.room","data":${deep}}`)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

describe('Relay', () => {
  it('passes on nothing but sound messages, whatever is published', () => {
    const failures: unknown[] = [];
    let passed = 0;
    const relay = new Relay({
      serverId: OWN,
      metrics: new RealtimeMetrics(createMetrics({ service: 'fuzz' })),
      logger: { error: (failure: unknown) => failures.push(failure) } as never,
      onMessage(room, { date, prev, frame: bytes }) {
        passed++;
        const text =
          typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        const { type, data } = JSON.parse(text);
        expect({ type, keys: Object.keys(JSON.parse(text)) }).toEqual({
          type: 'message',
          keys: ['type', 'data'],
        });
        expect(readMessage(data)).toMatchObject({ roomId: room, date });
        expect(data.prev).toBe(prev);
        expect(isRoomId(room)).toBe(true);
      },
      onEvent: (type) => expect(type).not.toBe('message'),
      onClusterEvent: (type) => expect(type).not.toBe('message'),
      onHeartbeat: () => undefined,
    });
    fc.assert(
      fc.property(channel, envelopeBytes, (from, bytes) => {
        relay.receive(Buffer.from(from), bytes);
        expect(failures).toEqual([]);
      }),
      BOUNDED,
    );
    expect(passed).toBeGreaterThan(0);
  });
});

describe('StreamCursor', () => {
  const clock = { now: () => Date.now() / 1000 };
  const places = fc.dictionary(fc.constantFrom(...ROOMS), number);
  const cursor = fc
    .tuple(number, places)
    .map(([base, rooms]) =>
      [base, ...Object.entries(rooms).map(([room, date]) => `${room}=${date}`)].join(';'),
    );
  const chat = fc.record({
    id: fc.constantFrom('0', '7', '1:2', '3:4'),
    flushed: fc.double({ min: 0, max: 4e9, noNaN: true }),
  });

  it('reads whatever comes as a position that it writes and reads again, or not at all', () => {
    fc.assert(
      fc.property(fc.oneof(cursor, damaged(cursor), fc.string()), (text) => {
        const read = StreamCursor.parse(text, clock);
        if (!read) return;
        const again = StreamCursor.parse(read.toString(), clock);
        expect(again?.toString()).toBe(read.toString());
        for (const room of ROOMS) {
          expect(read.since(room)).toBeGreaterThanOrEqual(0);
          // -0 is 0.
          expect(again!.since(room) === read.since(room)).toBe(true);
        }
      }),
      BOUNDED,
    );
  });

  it('starts and moves without ever standing before what was sent', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(chat, { selector: (room) => room.id }),
        fc.array(chat),
        (rooms, messages) => {
          const made = StreamCursor.at(rooms, clock);
          const sent = new Map(rooms.map((room) => [room.id, room.flushed]));
          for (const { id: room, flushed: date } of messages) {
            const text = made.advance({ roomId: room, date, prev: 0 }, Number.POSITIVE_INFINITY);
            sent.set(room, date);
            expect(StreamCursor.parse(text, clock)?.toString()).toBe(text);
          }
          for (const [room, date] of sent) expect(made.since(room)).toBeGreaterThanOrEqual(date);
        },
      ),
      BOUNDED,
    );
  });
});

describe('a replica', () => {
  it('serves its clients whatever a client sends and whatever is published', async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    const replica = await startRealtime(server.url, { LIMITS: 'off' });
    onTestFinished(async () => {
      await replica.stop();
      await redis.quit();
      await server.stop();
    });
    // Other ids than those of the envelopes, which may well end a user's sessions.
    await redis.set(keys.totalUsers, 5000);
    const [hostile, bystander] = [await createAccount(redis), await createAccount(redis)];
    const calm = await ChatSocket.connect(replica.socketUrl, { token: bystander.token });
    await calm.next('hello');
    let socket = await ChatSocket.connect(replica.socketUrl, { token: hostile.token });
    await fc.assert(
      fc.asyncProperty(
        fc.array(frameText, { maxLength: 20 }),
        fc.array(fc.tuple(channel, envelopeBytes)),
        async (texts, envelopes) => {
          for (const text of texts) socket.sendRaw(text);
          for (const [to, bytes] of envelopes) await redis.publish(to, bytes);
          // Frames that are too large end a socket.
          const ended = await Promise.race([socket.settle(), socket.closed]);
          if (ended) socket = await ChatSocket.connect(replica.socketUrl, { token: hostile.token });
          socket.frames.length = 0;
          calm.frames.length = 0;
        },
      ),
      BOUNDED,
    );
    await calm.say('0', 'still here');
    await Promise.all([calm.close(), socket.close()]);
  });
});
