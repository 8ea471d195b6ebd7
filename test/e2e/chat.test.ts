import { setTimeout as sleep } from 'node:timers/promises';
import { GENERAL, type Message, type RoomId } from '@chat/protocol';
import { keys, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Account, createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';

let cluster: Cluster;
let redis: Redis;
let sockets: ChatSocket[] = [];

beforeAll(async () => {
  // A socket that is asked to go elsewhere would not get what the test waits for.
  cluster = await startCluster({ env: { REBALANCE: 'false' } });
  redis = new Redis(cluster.redis.url);
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
  sockets = [];
});
afterAll(async () => {
  redis?.disconnect();
  await cluster?.stop();
});

const gateway = () => `${cluster.gateway.url.replace('http', 'ws')}/ws`;
const pinned = (n: number) => `${cluster.gateway.url.replace('http', 'ws')}/replica/${n}/ws`;
const plane = () => `${cluster.sockets.url}/ws`;

/** A socket that is live: it gets whatever is said from now on. */
async function connect(url: string, { token }: Account): Promise<{ socket: ChatSocket; serverId: string }> {
  const socket = await ChatSocket.connect(url, { token });
  sockets.push(socket);
  const { serverId } = await socket.next('hello');
  await socket.settle();
  return { socket, serverId };
}

/** What Redis holds of a room after a date, oldest first. */
async function stored(roomId: RoomId, since: number): Promise<Message[]> {
  const members = await redis.zrangebyscore(keys.room(roomId), `(${since}`, '+inf');
  return members.map((member) => JSON.parse(member) as Message);
}

/** Resolves when all of them have received a message with this text. */
async function allReceived(list: readonly ChatSocket[], text: string): Promise<void> {
  for (const socket of list) await socket.next('message', ({ message }) => message === text);
}

describe('thirty clients that send into General at the same time', () => {
  const EACH = 12;

  test('every socket on every replica gets every message once and in the order of the dates', async () => {
    const accounts = await Promise.all(Array.from({ length: 30 }, () => createAccount(redis)));
    const urls = [
      ...[1, 2, 3].flatMap((n) => [pinned(n), pinned(n), pinned(n), pinned(n)]),
      ...Array.from({ length: 9 }, gateway),
      ...Array.from({ length: 9 }, plane),
    ];
    const connected: { socket: ChatSocket; serverId: string }[] = [];
    // One after the other: the balancer then sees the connections that it counts.
    for (const [index, url] of urls.entries()) connected.push(await connect(url, accounts[index]!));
    const replicas = cluster.realtime.map(({ serverId }) => serverId);
    expect(connected.slice(0, 12).map(({ serverId }) => serverId)).toEqual(
      replicas.flatMap((serverId) => [serverId, serverId, serverId, serverId]),
    );
    const balanced = connected.slice(12, 21).map(({ serverId }) => serverId);
    expect(replicas.map((id) => balanced.filter((each) => each === id).length)).toEqual([3, 3, 3]);

    const everyone = connected.map(({ socket }) => socket);
    const [before] = await redis.zrevrange(keys.room(GENERAL), 0, 0, 'WITHSCORES');
    const start = before === undefined ? 0 : (JSON.parse(before) as Message).date;
    const dates = await Promise.all(
      everyone.map(async (socket, index) => {
        const acknowledged: number[] = [];
        for (let n = 0; n < EACH; n++) acknowledged.push(await socket.say(GENERAL, `all ${index}.${n}`));
        return acknowledged;
      }),
    );
    const last = (await stored(GENERAL, start)).at(-1)!;
    await allReceived(everyone, last.message);

    const messages = await stored(GENERAL, start);
    expect(messages).toHaveLength(30 * EACH);
    expect(new Set(messages.map(({ message }) => message)).size).toBe(30 * EACH);
    expect(messages.map(({ date }) => date)).toEqual(dates.flat().sort((a, b) => a - b));
    for (const [index, message] of messages.entries()) {
      if (index > 0) expect(message.date).toBeGreaterThan(messages[index - 1]!.date);
      expect(message.prev).toBe(index === 0 ? start : messages[index - 1]!.date);
    }
    for (const socket of everyone) {
      expect(socket.messages(GENERAL).filter(({ date }) => date > start)).toEqual(messages);
    }
    for (const [index, account] of accounts.entries()) {
      const own = messages.filter(({ from }) => from === account.id).map(({ message }) => message);
      expect(own).toEqual(Array.from({ length: EACH }, (_, n) => `all ${index}.${n}`));
    }
  });

  test('a client that pipelines without waiting keeps its order', async () => {
    const [ann, bob] = [await createAccount(redis), await createAccount(redis)];
    const a = await connect(pinned(1), ann);
    const b = await connect(pinned(3), bob);
    const texts = Array.from({ length: 30 }, (_, n) => `pipelined ${n}`);
    for (const [n, message] of texts.entries()) {
      a.socket.send({ type: 'message', data: { roomId: GENERAL, message }, cid: `pipe-${n}` });
    }
    await allReceived([a.socket, b.socket], texts.at(-1)!);
    for (const { socket } of [a, b]) {
      expect(socket.messages(GENERAL).map(({ message }) => message)).toEqual(texts);
    }
  });
});

describe('private messages', () => {
  test('reach the sockets of the two users on all replicas, and nobody else', async () => {
    const [ann, bob, eve] = [
      await createAccount(redis),
      await createAccount(redis),
      await createAccount(redis),
    ];
    const room = await new Rooms(redis).createPrivate(ann.id, bob.id);
    const roomId = room!.id;
    const inside = [
      await connect(pinned(1), ann),
      await connect(pinned(2), ann),
      await connect(pinned(2), bob),
      await connect(plane(), bob),
    ].map(({ socket }) => socket);
    const outside = [
      await connect(pinned(1), eve),
      await connect(pinned(2), eve),
      await connect(pinned(3), eve),
    ].map(({ socket }) => socket);

    await inside[0]!.say(roomId, 'for Bob');
    await inside[2]!.say(roomId, 'for Ann');
    await allReceived(inside, 'for Ann');
    for (const socket of outside) {
      await expect(socket.say(roomId, 'let me in')).rejects.toThrow('room_forbidden');
      socket.send({ type: 'room.join', data: { roomId } });
      await socket.next('error', ({ code, cid }) => code === 'room_forbidden' && cid === undefined);
      socket.send({ type: 'resume', data: { rooms: { [roomId]: 0 } } });
      await socket.next('resumed');
    }
    // What is said to all comes after whatever could have leaked before.
    await inside[0]!.say(GENERAL, 'over');
    await allReceived([...inside, ...outside], 'over');
    for (const socket of inside) {
      expect(socket.messages(roomId).map(({ from, message }) => ({ from, message }))).toEqual([
        { from: ann.id, message: 'for Bob' },
        { from: bob.id, message: 'for Ann' },
      ]);
    }
    for (const socket of outside) {
      expect(socket.messages(roomId)).toEqual([]);
      expect(JSON.stringify(socket.frames)).not.toMatch(/for (Ann|Bob)/);
    }
    expect((await stored(roomId, 0)).map(({ message }) => message)).toEqual(['for Bob', 'for Ann']);
  });
});

describe('a subscriber whose connection to Redis is cut', () => {
  test('misses nothing, however often it is cut while people talk', async () => {
    const accounts = await Promise.all(Array.from({ length: 6 }, () => createAccount(redis)));
    const everyone: ChatSocket[] = [];
    for (const [index, account] of accounts.entries()) {
      everyone.push((await connect(pinned((index % 3) + 1), account)).socket);
    }
    const [talker] = everyone;
    let talking = true;
    const said = (async () => {
      let count = 0;
      while (talking) {
        await talker!.say(GENERAL, `cut ${count++}`);
        // Below the limit of a user's messages a second.
        await sleep(55);
      }
      return count;
    })();
    for (let cut = 0; cut < 3; cut++) {
      await sleep(600);
      await vi.waitFor(
        async () => expect(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBeGreaterThan(0),
        { timeout: 15_000 },
      );
    }
    await sleep(600);
    talking = false;
    const texts = Array.from({ length: await said }, (_, n) => `cut ${n}`);
    await allReceived(everyone, texts.at(-1)!);
    for (const socket of everyone) {
      const received = socket.messages(GENERAL).filter(({ message }) => message.startsWith('cut '));
      expect(received.map(({ message }) => message)).toEqual(texts);
    }
  });
});
