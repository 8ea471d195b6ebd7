import { randomBytes } from 'node:crypto';
import { Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

// Its own Redis: others talk in General too.
let server: RunningRedis;
let redis: Redis;
let replica: TestRealtime;
let accounts: Account[];
let sockets: ChatSocket[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replica = await startRealtime(server.url);
  accounts = await Promise.all([1, 2, 3].map(() => createAccount(redis)));
});
afterAll(async () => {
  await replica.stop();
  await removeAccounts(redis, accounts);
  await redis.quit();
  await server.stop();
});
beforeEach(() => {
  sockets = [];
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
});

async function connect(account: Account, query = ''): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl + query, { token: account.token });
  sockets.push(socket);
  await socket.next('hello');
  return socket;
}
const privateRoom = async (a: Account, b: Account) => (await new Rooms(redis).createPrivate(a.id, b.id))!.id;
const room = () => new Rooms(redis).createNamed(`r-${randomBytes(4).toString('hex')}`, accounts[0]!.id);

describe('hello', () => {
  it('comes first and tells the user, the rooms with their last dates, and the limits', async () => {
    const [pablo, joe] = accounts as [Account, Account];
    const id = await privateRoom(pablo, joe);
    const socket = await connect(pablo);
    const date = await socket.say(id, 'Hello');
    const again = await connect(pablo);
    expect(again.frames[0]).toMatchObject({
      type: 'hello',
      data: {
        serverId: replica.serverId,
        user: { id: pablo.id, username: pablo.username },
        limits: { messageBytes: 4096, frameBytes: 16_384, messagesPerSecond: 20 },
      },
    });
    const { rooms } = await again.next('hello');
    expect(rooms).toContainEqual({ id, names: [pablo.username, joe.username], last: date });
    expect(rooms).toContainEqual(expect.objectContaining({ id: '0', name: 'General' }));
  });
});

describe('a message', () => {
  it('is acknowledged to the sender and reaches all sockets of the room, the sender too', async () => {
    const [pablo, joe] = accounts as [Account, Account];
    const [a, a2, b] = [await connect(pablo), await connect(pablo), await connect(joe)];
    const date = await a.say('0', 'Grüße "🎉"\n<b>', 'c-frames-1');
    for (const socket of [a, a2, b]) {
      expect(await socket.next('message', (data) => data.cid === 'c-frames-1')).toMatchObject({
        from: pablo.id,
        date,
        message: 'Grüße "🎉"\n<b>',
        roomId: '0',
      });
    }
    expect(a2.frames.some(({ type }) => type === 'ack')).toBe(false);
  });

  it('comes from the session, whatever the frame claims', async () => {
    const [pablo, joe] = accounts as [Account, Account];
    const socket = await connect(pablo);
    socket.sendRaw(
      JSON.stringify({
        type: 'message',
        data: { roomId: '0', message: 'x', from: joe.id, date: 1 },
        cid: 'c-frames-2',
      }),
    );
    const message = await socket.next('message', (data) => data.cid === 'c-frames-2');
    expect(message.from).toBe(pablo.id);
    expect(message.date).toBeGreaterThan(1_600_000_000);
  });

  it('in a private room reaches its two users alone', async () => {
    const [pablo, joe, mary] = accounts as [Account, Account, Account];
    const id = await privateRoom(pablo, joe);
    const [a, b, c] = [await connect(pablo), await connect(joe), await connect(mary)];
    await a.say(id, 'secret', 'c-frames-3');
    await b.next('message', (data) => data.cid === 'c-frames-3');
    await c.say('0', 'after it');
    await c.settle();
    expect(c.messages().some(({ cid }) => cid === 'c-frames-3')).toBe(false);
  });

  it('that is sent again with retry is answered with the stored one and not shown twice', async () => {
    const [pablo] = accounts as [Account];
    const socket = await connect(pablo);
    const date = await socket.say('0', 'once', 'c-frames-4');
    socket.sendRaw(
      JSON.stringify({
        type: 'message',
        data: { roomId: '0', message: 'once' },
        cid: 'c-frames-4',
        retry: true,
      }),
    );
    await expect
      .poll(() => socket.frames.filter((f) => f.type === 'ack' && f.data.cid === 'c-frames-4'))
      .toHaveLength(2);
    await socket.settle();
    expect(socket.messages().filter(({ cid }) => cid === 'c-frames-4')).toHaveLength(1);
    const acks = socket.frames.filter((frame) => frame.type === 'ack' && frame.data.cid === 'c-frames-4');
    expect(acks.map((frame) => (frame.data as { date: number }).date)).toEqual([date, date]);
  });
});

describe('a bad frame is answered with a code, and the socket goes on', () => {
  const big = 'x'.repeat(4097);
  const message = (roomId: unknown, text: unknown = 'x') =>
    JSON.stringify({ type: 'message', data: { roomId, message: text }, cid: 'c-bad' });
  it.each([
    ['malformed JSON', '{"type":', 'bad_json'],
    ['an empty frame', '', 'bad_json'],
    ['JSON that is no object', '[1]', 'bad_request'],
    ['null', 'null', 'bad_request'],
    ['an unknown type', '{"type":"nope","data":{}}', 'unknown_type'],
    ['a type that is no string', '{"type":{"a":1}}', 'unknown_type'],
    ['a message without data', '{"type":"message"}', 'bad_request'],
    ['a text of the wrong type', message('0', 7), 'bad_request'],
    ['an empty text', message('0', ''), 'message_empty'],
    ['a text of 4097 bytes', message('0', big), 'message_too_large'],
    ['a text of 4098 bytes in 1366 characters', message('0', '€'.repeat(1366)), 'message_too_large'],
    ['a frame of more than 16 KiB', message('0', 'x'.repeat(17_000)), 'frame_too_large'],
    ['a binary frame', Buffer.from(message('0')), 'binary_frame'],
    ['a room that does not exist', message('999999999'), 'room_not_found'],
    [
      'a private room that does not exist',
      (own: number) => message(`${own}:${own + 100_000}`),
      'room_not_found',
    ],
    ['a private room of others', message('999998:999999'), 'room_forbidden'],
    ['an id of three parts', message('1:2:3'), 'invalid_room'],
    ['an id in the wrong order', message('2:1'), 'invalid_room'],
    ['an id that is a path', message('../x'), 'invalid_room'],
    ['an id that is an object', message({}), 'invalid_room'],
    [
      'a cid with spaces',
      JSON.stringify({ type: 'message', data: { roomId: '0', message: 'x' }, cid: 'a b' }),
      'bad_request',
    ],
    [
      'a resume of a date that is none',
      '{"type":"resume","data":{"rooms":{"0":"yesterday"}}}',
      'bad_request',
    ],
    ['a resume of no rooms', '{"type":"resume","data":null}', 'bad_request'],
    ['leaving a room one is not in', '{"type":"room.leave","data":{"roomId":"424242"}}', 'room_not_found'],
    ['joining a room that does not exist', '{"type":"room.join","data":"424242"}', 'room_not_found'],
    ['typing in a room of others', '{"type":"typing","data":{"roomId":"999998:999999"}}', 'room_not_found'],
  ])('%s', async (_, frame, code) => {
    const account = await createAccount(redis);
    accounts.push(account);
    const socket = await connect(account);
    socket.sendRaw(typeof frame === 'function' ? frame(account.id) : frame);
    const error = await socket.next('error');
    expect(error.code).toBe(code);
    expect(error.message).not.toBe('');
    await socket.say('0', 'still here');
  });

  it('a frame beyond the hard limit closes that socket alone', async () => {
    const [pablo, joe] = accounts as [Account, Account];
    const [a, b] = [await connect(pablo), await connect(joe)];
    a.sendRaw('x'.repeat(1_000_000));
    expect([1006, 1009]).toContain((await a.closed).code);
    await b.say('0', 'still here');
  });

  it('too many messages are refused with the time to wait, and the others are stored', async () => {
    const account = await createAccount(redis);
    accounts.push(account);
    const socket = await connect(account);
    for (let index = 0; index < 60; index++) {
      socket.send({
        type: 'message',
        data: { roomId: '0', message: `${index}` },
        cid: `flood-${account.id}-${index}`,
      });
    }
    const error = await socket.next('error');
    expect(error).toMatchObject({ code: 'rate_limited', cid: expect.stringMatching(/^flood-/) });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    await socket.settle();
    const answers = () => socket.frames.filter(({ type }) => type === 'ack' || type === 'error').length;
    await expect.poll(answers).toBe(60);
    const acks = socket.frames.filter(({ type }) => type === 'ack').length;
    expect(acks).toBeGreaterThanOrEqual(40);
    await expect
      .poll(() => socket.messages('0').filter(({ from }) => from === account.id))
      .toHaveLength(acks);
  });
});

describe('rooms', () => {
  it('a named room is joined by frame, spoken in, and left', async () => {
    const [, joe] = accounts as [Account, Account];
    const { id, name } = await room();
    const socket = await connect(joe);
    socket.send({ type: 'message', data: { roomId: id, message: 'x' }, cid: 'c-room-1' });
    expect(await socket.next('error', ({ cid }) => cid === 'c-room-1')).toMatchObject({
      code: 'room_forbidden',
    });
    socket.send({ type: 'room.join', data: { roomId: id } });
    expect(await socket.next('room.joined')).toMatchObject({ id, name });
    await socket.say(id, 'hello');
    expect(socket.messages(id)).toHaveLength(1);
    socket.send({ type: 'room.leave', data: { roomId: id } });
    expect(await socket.next('room.left')).toEqual({ id });
    const other = await connect(accounts[0]!);
    await other.say(id, 'unheard');
    await socket.settle();
    expect(socket.messages(id)).toHaveLength(1);
  });

  it('a bare id is read as the tutorial sends it', async () => {
    const { id } = await room();
    const socket = await connect(accounts[1]!);
    socket.sendRaw(JSON.stringify({ type: 'room.join', data: id }));
    expect(await socket.next('room.joined')).toMatchObject({ id });
  });

  it('joining since a date brings what is newer, before what is live', async () => {
    const { id } = await room();
    const writer = await connect(accounts[0]!);
    const dates: number[] = [];
    for (const text of ['a', 'b', 'c']) dates.push(await writer.say(id, text));
    const socket = await connect(accounts[1]!);
    socket.send({ type: 'room.join', data: { roomId: id, since: dates[0]! } });
    await socket.next('resumed');
    await writer.say(id, 'd');
    await socket.next('message', ({ message }) => message === 'd');
    expect(socket.messages(id).map(({ message }) => message)).toEqual(['b', 'c', 'd']);
  });

  it('typing reaches the room', async () => {
    const [pablo, joe] = accounts as [Account, Account];
    const id = await privateRoom(pablo, joe);
    const [a, b] = [await connect(pablo), await connect(joe)];
    // Whoever spoke is live; a hint is not kept for others.
    await b.settle();
    a.send({ type: 'typing', data: { roomId: id } });
    expect(await b.next('typing')).toEqual({ roomId: id, from: pablo.id });
  });
});
