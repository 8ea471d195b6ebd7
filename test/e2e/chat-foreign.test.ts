import { ChatApi, type LoggedIn } from '@chat/client';
import { GENERAL, type Message, parseEnvelope } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import { untilTold } from '../harness/told.ts';

/** A server written to the tutorial, at the level of the commands that it sends to Redis: keys are spelled out. */
let foreign: Redis;
/** Its subscription to MESSAGES. */
let listening: Redis;
const heard: { serverId: unknown; type: string; data: Record<string, unknown> }[] = [];
let cluster: Cluster;
let sockets: ChatSocket[] = [];
let names = 0;

beforeAll(async () => {
  cluster = await startCluster();
  foreign = new Redis(cluster.redis.url);
  listening = new Redis(cluster.redis.url);
  await listening.subscribe('MESSAGES');
  listening.on('message', (_channel, text) => {
    const envelope = parseEnvelope(text);
    if (envelope) heard.push(envelope as (typeof heard)[number]);
  });
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
  sockets = [];
});
afterAll(async () => {
  foreign?.disconnect();
  listening?.disconnect();
  await cluster?.stop();
});

interface Here {
  api: ChatApi;
  user: LoggedIn;
  socket: ChatSocket;
}

/** Someone who uses this cluster, with a socket on the replica of this number. */
async function here(n: number, name = `here-${process.pid}-${++names}`): Promise<Here> {
  const api = new ChatApi({ baseUrl: cluster.gateway.url });
  const user = await api.login(name, 'password123');
  const socket = await ChatSocket.connect(
    `${cluster.gateway.url.replace('http', 'ws')}/replica/${n}/ws`,
    user,
  );
  sockets.push(socket);
  await socket.next('hello');
  await socket.settle();
  return { api, user, socket };
}

/** A user whom the foreign server registers. The hash is that of "password123", by bcrypt as Python writes it. */
async function there(): Promise<{ id: number; name: string }> {
  const name = `there-${process.pid}-${++names}`;
  const hash = '$2b$10$g7T2JLg4TcMzNnATO7Dj9OuCLZ0YL94CXyFsvLJM1EoRabPd8mkf2';
  const id = await foreign.incr('total_users');
  await foreign.set(`username:${name}`, `user:${id}`);
  await foreign.hset(`user:${id}`, 'username', name, 'password', hash);
  await foreign.sadd(`user:${id}:rooms`, GENERAL);
  return { id, name };
}

const now = () => Math.floor(Date.now() / 1000);

describe('a server written to the tutorial', () => {
  test('says something in General: it shows on all replicas at once, and in the history', async () => {
    const someone = await there();
    const readers = [await here(1), await here(2), await here(3)];
    // Python's json.dumps: spaces, its own order of fields, ids as it has them.
    const date = now();
    const member = `{"from": "${someone.id}", "date": ${date}, "message": "Hola \\u00a1desde Python!", "roomId": "0"}`;
    await foreign.zadd('room:0', date, member);
    await foreign.publish('MESSAGES', `{"serverId": 4132, "type": "message", "data": ${member}}`);
    const shown = { from: someone.id, date, message: 'Hola ¡desde Python!', roomId: GENERAL };
    for (const { socket } of readers) {
      expect(await socket.next('message', ({ message }) => message === shown.message)).toEqual(shown);
    }
    const [newest] = await readers[0]!.api.messages(GENERAL, { size: 1 });
    expect(newest).toEqual(shown);

    // The answer follows it, whichever replica it is sent to.
    const answered = await readers[1]!.socket.say(GENERAL, 'Hola Python');
    for (const { socket } of readers) {
      const { prev } = await socket.next('message', (message) => message.date === answered);
      expect(prev).toBe(date);
    }
    const page = await readers[2]!.api.messages(GENERAL, { size: 2 });
    expect(page.map(({ message }) => message)).toEqual(['Hola Python', shown.message]);
  });

  test('registers a user, who logs in here with the same password', async () => {
    const { id, name } = await there();
    const { user, socket } = await here(2, name);
    expect(user).toMatchObject({ id, username: name });
    const { rooms } = await socket.next('hello');
    expect(rooms.map((room) => room.id)).toEqual([GENERAL]);
    await expect(
      new ChatApi({ baseUrl: cluster.gateway.url }).login(name, 'password124'),
    ).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
  });

  test('finds here the keys and types that it knows', async () => {
    const { user, socket } = await here(1);
    expect(await foreign.get(`username:${user.username}`)).toBe(`user:${user.id}`);
    expect(await foreign.hget(`user:${user.id}`, 'username')).toBe(user.username);
    expect(await foreign.hget(`user:${user.id}`, 'password')).toMatch(/^\$2b\$10\$.{53}$/);
    expect(await foreign.smembers(`user:${user.id}:rooms`)).toEqual(['0']);
    expect(await foreign.get('room:0:name')).toBe('General');
    expect(Number(await foreign.get('total_users'))).toBeGreaterThanOrEqual(user.id);
    await expect.poll(() => foreign.sismember('online_users', user.id), { timeout: 15_000 }).toBe(1);

    const date = await socket.say(GENERAL, 'read me there');
    const [member, score] = (await foreign.zrevrange('room:0', 0, 0, 'WITHSCORES')) as [string, string];
    expect(Number(score)).toBe(date);
    expect(JSON.parse(member)).toMatchObject({ from: user.id, date, message: 'read me there', roomId: '0' });
    const said = () => heard.find(({ type, data }) => type === 'message' && data.date === date);
    await expect.poll(said, { timeout: 15_000 }).toBeDefined();
    expect(said()).toEqual({
      serverId: cluster.realtime[0]!.serverId,
      type: 'message',
      data: JSON.parse(member),
    });
    const connected = heard.find(({ type, data }) => type === 'user.connected' && data.id === user.id);
    expect(connected?.data).toMatchObject({ id: user.id, username: user.username, online: true });

    await socket.close();
    await expect.poll(() => foreign.sismember('online_users', user.id), { timeout: 15_000 }).toBe(0);
  });

  test('opens a private room with someone here: the two see it, and its messages stay between them', async () => {
    const someone = await there();
    const [ann, eve] = [await here(1), await here(1)];
    const id = `${someone.id}:${ann.user.id}`;
    await foreign.sadd(`user:${someone.id}:rooms`, id);
    await foreign.sadd(`user:${ann.user.id}:rooms`, id);
    const shown = { id, names: [someone.name, ann.user.username] };
    await foreign.publish('MESSAGES', JSON.stringify({ serverId: 4132, type: 'show.room', data: shown }));
    expect(await ann.socket.next('show.room', (room) => room.id === id)).toMatchObject(shown);

    const data = { from: someone.id, date: now(), message: 'psst, Ann', roomId: id };
    await foreign.zadd(`room:${id}`, data.date, JSON.stringify(data));
    await foreign.publish('MESSAGES', JSON.stringify({ serverId: 4132, type: 'message', data }));
    expect(await ann.socket.next('message', ({ roomId }) => roomId === id)).toEqual(data);
    const date = await ann.socket.say(id, 'psst, you');
    const members = await foreign.zrevrange(`room:${id}`, 0, -1);
    expect(members.map((member) => (JSON.parse(member) as Message).message)).toEqual([
      'psst, you',
      'psst, Ann',
    ]);
    expect((await ann.api.messages(id)).map((message) => message.date)).toEqual([date, data.date]);
    expect(await ann.api.rooms(ann.user.id)).toContainEqual(shown);

    await expect(eve.api.messages(id)).rejects.toMatchObject({ status: 403 });
    await eve.socket.say(GENERAL, 'nothing to see');
    expect(eve.socket.messages(id)).toEqual([]);
  });

  test('tells who is online there: it shows here, and nobody who is here is taken off', async () => {
    const someone = await there();
    const { user, socket } = await here(3);
    const tell = (type: string, of: { id: number; username: string }) =>
      foreign.publish(
        'MESSAGES',
        JSON.stringify({ serverId: 4132, type, data: { ...of, online: type === 'user.connected' } }),
      );
    const foreigner = { id: someone.id, username: someone.name };
    await foreign.sadd('online_users', someone.id);
    await tell('user.connected', foreigner);
    await untilTold(socket, someone.id, [true]);
    await foreign.srem('online_users', someone.id);
    await tell('user.disconnected', foreigner);
    await untilTold(socket, someone.id, [true, false]);

    // It counts its own sockets alone, and takes a user off who closed the last one there.
    await foreign.srem('online_users', user.id);
    await tell('user.disconnected', { id: user.id, username: user.username });
    await expect.poll(() => foreign.sismember('online_users', user.id), { timeout: 15_000 }).toBe(1);
  });

  test('sends what is no message: nothing breaks, and the next one arrives', async () => {
    const someone = await there();
    const { socket, api } = await here(1);
    const rubbish = [
      '',
      'x',
      '{}',
      '[]',
      'null',
      '{"serverId":1,"type":"message"}',
      `{"serverId":1,"type":"message","data":${'['.repeat(500)}`,
    ];
    for (const text of rubbish) await foreign.publish('MESSAGES', text);
    await foreign.publish('MESSAGES', `{"serverId":1,"type":"message","data":"${'x'.repeat(1024 * 1024)}"}`);
    const single = `{'from': 1, 'date': ${now()}, 'message': 'Hello', 'roomId': '0'}`;
    await foreign.zadd('room:0', now(), single);
    const data = { from: someone.id, date: now() + 1, message: 'after the rubbish', roomId: GENERAL };
    await foreign.zadd('room:0', data.date, JSON.stringify(data));
    await foreign.publish('MESSAGES', JSON.stringify({ serverId: 4132, type: 'message', data }));
    expect(await socket.next('message', ({ message }) => message === data.message)).toEqual(data);
    await socket.say(GENERAL, 'still here');
    const page = await api.messages(GENERAL, { size: 2 });
    expect(page.map(({ message }) => message)).toEqual(['still here', data.message]);
    await foreign.zrem('room:0', single);
  });
});
