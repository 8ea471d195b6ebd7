import { keys, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';

// Its own Redis: others talk in General too.
let server: RunningRedis;
/** A server as the tutorial describes it, at the level of its Redis commands. */
let foreign: Redis;
let replica: TestRealtime;
let accounts: [Account, Account, Account];
let sockets: ChatSocket[];

beforeAll(async () => {
  server = await startRedis();
  foreign = new Redis(server.url);
  replica = await startRealtime(server.url);
  accounts = [await createAccount(foreign), await createAccount(foreign), await createAccount(foreign)];
});
afterAll(async () => {
  await replica.stop();
  await removeAccounts(foreign, accounts);
  await foreign.quit();
  await server.stop();
});
beforeEach(() => {
  sockets = [];
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
});

async function connect({ token }: { token: string }): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(replica.socketUrl, { token });
  sockets.push(socket);
  await socket.next('hello');
  await socket.settle();
  return socket;
}
const now = () => Math.floor(Date.now() / 1000);

describe('a message of a server written to the tutorial', () => {
  it('shows at once and in its own words', async () => {
    const [pablo] = accounts;
    const socket = await connect(pablo);
    const data = { from: `${pablo.id}`, date: now(), message: 'Hola desde Python', roomId: '0' };
    await foreign.zadd(keys.room('0'), data.date, JSON.stringify(data));
    await foreign.publish('MESSAGES', JSON.stringify({ type: 'message', serverId: 4132, data }, null, 1));
    const shown = await socket.next('message', ({ message }) => message === data.message);
    expect(shown).toEqual({ ...data, from: pablo.id });
  });

  it('is followed along the chain by what is sent here, whatever its clock says', async () => {
    const [pablo, joe] = accounts;
    const { id } = (await new Rooms(foreign).createPrivate(pablo.id, joe.id))!;
    const socket = await connect(pablo);
    const texts: string[] = [];
    for (const [index, skew] of [0, 30, -30, 0.5].entries()) {
      const date = now() + skew;
      const data = { from: joe.id, date, message: `foreign ${index}`, roomId: id };
      await foreign.zadd(keys.room(id), date, JSON.stringify(data));
      await foreign.publish('MESSAGES', JSON.stringify({ serverId: 1, type: 'message', data }));
      await socket.next('message', ({ message }) => message === data.message);
      const own = await socket.say(id, `own ${index}`);
      await socket.next('message', ({ date: shown }) => shown === own);
      texts.push(`foreign ${index}`, `own ${index}`);
    }
    await expect.poll(() => socket.messages(id).map(({ message }) => message)).toEqual(texts);
  });

  it('of several in one second, each is shown once', async () => {
    const [pablo, joe] = accounts;
    const { id } = (await new Rooms(foreign).createPrivate(pablo.id, joe.id))!;
    const socket = await connect(joe);
    const date = now();
    for (const message of ['one', 'two', 'three']) {
      const data = { from: pablo.id, date, message, roomId: id };
      await foreign.zadd(keys.room(id), date, JSON.stringify(data));
      await foreign.publish('MESSAGES', JSON.stringify({ serverId: 1, type: 'message', data }));
    }
    await socket.next('message', ({ message }) => message === 'three');
    const shown = socket.messages(id).filter((message) => message.date === date);
    expect(shown.map(({ message }) => message)).toEqual(['one', 'two', 'three']);
  });

  it('that was stored and never published is shown by the repair that the next message causes', async () => {
    const [pablo, joe] = accounts;
    const { id } = (await new Rooms(foreign).createPrivate(pablo.id, joe.id))!;
    const [a, b] = [await connect(pablo), await connect(joe)];
    const last = await a.say(id, 'before');
    await foreign.zadd(
      keys.room(id),
      String(last + 0.000001),
      JSON.stringify({ from: joe.id, date: last + 0.000001, message: 'silent', roomId: id }),
    );
    await a.say(id, 'after');
    for (const socket of [a, b]) {
      await socket.next('message', ({ message }) => message === 'after');
      const shown = socket.messages(id).map(({ message }) => message);
      expect(shown.slice(-3)).toEqual(['before', 'silent', 'after']);
    }
    expect(await replica.metric('chat_repairs_total')).toBeGreaterThan(0);
  });

  it('in a private room that it made without a word is shown to its two users alone', async () => {
    const [pablo, , mary] = accounts;
    const other = await createAccount(foreign);
    try {
      const [a, b, c] = [await connect(pablo), await connect(other), await connect(mary)];
      const id = `${pablo.id}:${other.id}`;
      const data = { from: pablo.id, date: now(), message: 'psst', roomId: id };
      await foreign.sadd(keys.userRooms(pablo.id), id);
      await foreign.sadd(keys.userRooms(other.id), id);
      await foreign.zadd(keys.room(id), data.date, JSON.stringify(data));
      await foreign.publish('MESSAGES', JSON.stringify({ serverId: 9, type: 'message', data }));
      for (const socket of [a, b]) {
        expect(await socket.next('message', ({ roomId }) => roomId === id)).toEqual(data);
        expect(await socket.next('show.room', (shown) => shown.id === id)).toEqual({
          id,
          names: [pablo.username, other.username],
          last: expect.closeTo(data.date - 0.000001, 6),
        });
      }
      await b.say(id, 'here');
      await c.settle();
      expect(c.messages(id)).toEqual([]);
    } finally {
      await removeAccounts(foreign, [other]);
    }
  });

  it('follows its show.room', async () => {
    const [, joe, mary] = accounts;
    const id = `${joe.id}:${mary.id}`;
    const socket = await connect(mary);
    const data = { from: joe.id, date: now(), message: 'first', roomId: id };
    await foreign.sadd(keys.userRooms(mary.id), id);
    const show = { id, names: [joe.username, mary.username] };
    await foreign.publish('MESSAGES', JSON.stringify({ serverId: 9, type: 'show.room', data: show }));
    await foreign.zadd(keys.room(id), data.date, JSON.stringify(data));
    await foreign.publish('MESSAGES', JSON.stringify({ serverId: 9, type: 'message', data }));
    await socket.next('message', ({ roomId }) => roomId === id);
    const types = socket.frames.filter(
      (frame) =>
        (frame.type === 'show.room' && frame.data.id === id) ||
        (frame.type === 'message' && frame.data.roomId === id),
    );
    expect(types.map(({ type }) => type)).toEqual(['show.room', 'message']);
  });
});

describe('what this cluster writes', () => {
  it('is read by a server written to the tutorial, from the room and from the channel', async () => {
    const [pablo] = accounts;
    const subscriber = foreign.duplicate();
    try {
      const heard = new Promise<string>((resolve) => {
        subscriber.on('message', (_channel, text) => {
          if (text.includes('for everyone')) resolve(text);
        });
      });
      await subscriber.subscribe('MESSAGES');
      const socket = await connect(pablo);
      const date = await socket.say('0', 'for everyone');
      expect(JSON.parse(await heard)).toMatchObject({
        serverId: replica.serverId,
        type: 'message',
        data: { from: pablo.id, date, message: 'for everyone', roomId: '0' },
      });
      const [newest] = await foreign.zrevrange(keys.room('0'), 0, 0);
      expect(JSON.parse(newest!)).toMatchObject({
        from: pablo.id,
        date,
        message: 'for everyone',
        roomId: '0',
      });
    } finally {
      await subscriber.quit();
    }
  });
});

describe('what is no message', () => {
  const envelope = (data: unknown, type: unknown = 'message') =>
    JSON.stringify({ serverId: 'x', type, data });
  it.each([
    ['no JSON', '{{{{'],
    ['nothing', ''],
    ['a string', '"hello"'],
    ['null', 'null'],
    ['an envelope without data', '{"serverId":"x","type":"message"}'],
    ['a message without a text', envelope({ from: 1, date: 1, roomId: '0' })],
    ['a message from nobody', envelope({ from: 'root', date: 1, message: 'x', roomId: '0' })],
    ['a message without a date', envelope({ from: 1, date: 'now', message: 'x', roomId: '0' })],
    ['a message into a room that is none', envelope({ from: 1, date: 1, message: 'x', roomId: '../x' })],
    ['a user that is none', envelope({ id: 'x' }, 'user.connected')],
    ['users that are none', envelope({ connected: 7, disconnected: [null] }, 'users.changed')],
    ['a session that is none', envelope(null, 'session.revoked')],
    ['a room that is none', envelope({ id: '1:2:3' }, 'show.room')],
    ['a name that is none', envelope({ id: '0', name: '\u0000' }, 'room.renamed')],
    ['an unknown type', envelope({}, 'server.meltdown')],
    ['a type that is no string', envelope({}, 5)],
    ['a megabyte of garbage', 'x'.repeat(1_000_000)],
    ['a megabyte of JSON', envelope({ from: 1, date: 1, message: 'x'.repeat(1_000_000), roomId: '0' })],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x80])],
  ])('on the channel is ignored, and the service goes on: %s', async (what, text) => {
    const [pablo] = accounts;
    const socket = await connect(pablo);
    await foreign.publish('MESSAGES', text as string);
    // Not the same text each time: of one second, that would be the same message.
    const good = `good after ${what}`;
    await foreign.publish('MESSAGES', envelope({ from: 1, date: now(), message: good, roomId: '0' }));
    await socket.next('message', ({ message }) => message === good);
    await socket.say('0', 'still here');
    await socket.next('message', ({ message }) => message === 'still here');
    expect(socket.messages('0').map(({ message }) => message)).toEqual([good, 'still here']);
  });

  it('counts what it ignores', async () => {
    expect(await replica.metric('chat_envelopes_ignored_total', 'malformed')).toBeGreaterThan(5);
    expect(await replica.metric('chat_envelopes_ignored_total', 'too_large')).toBeGreaterThan(0);
    expect(await replica.metric('chat_envelopes_ignored_total', 'unknown')).toBeGreaterThan(0);
  });

  it('in a room does not keep its messages from being read', async () => {
    const [pablo, , mary] = accounts;
    const { id } = (await new Rooms(foreign).createPrivate(pablo.id, mary.id))!;
    const socket = await connect(pablo);
    const last = await socket.say(id, 'good one');
    await foreign.zadd(
      keys.room(id),
      String(last + 0.000002),
      'not json at all',
      String(last + 0.000003),
      '{"a":1}',
    );
    const second = await ChatSocket.connect(`${replica.socketUrl}?resume=1`, { token: mary.token });
    sockets.push(second);
    second.send({ type: 'resume', data: { rooms: { [id]: last - 0.000001 } } });
    await second.next('resumed');
    expect(second.messages(id).map(({ message }) => message)).toEqual(['good one']);
    await socket.say(id, 'good two');
    await second.next('message', ({ message }) => message === 'good two');
  });

  it('in place of a user locks out nobody who has a private room with that id', async () => {
    const [pablo] = accounts;
    const spoilt = 900_000_001;
    const id = `${pablo.id}:${spoilt}`;
    await foreign.sadd(keys.userRooms(pablo.id), id);
    await foreign.set(keys.user(spoilt), 'garbage');
    try {
      const socket = await ChatSocket.connect(replica.socketUrl, { token: pablo.token });
      sockets.push(socket);
      const { rooms } = await socket.next('hello');
      expect(rooms).toContainEqual({ id, names: [pablo.username, `User ${spoilt}`], last: 0 });
    } finally {
      await foreign.srem(keys.userRooms(pablo.id), id);
      await foreign.del(keys.user(spoilt));
    }
  });
});
