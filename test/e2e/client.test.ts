import { setTimeout as sleep } from 'node:timers/promises';
import { ChatApi, ChatClient, type ChatClientOptions, type ReceivedMessage } from '@chat/client';
import { CHANNEL, GENERAL, type Message } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Cluster, startCluster } from '../harness/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(() => cluster?.stop());

/** What a test waits for comes within this time, also on a loaded machine. */
const SOON = { timeout: 60_000, interval: 50 };

let users = 0;

/** A user of its own with a client, which is closed when the test is over. */
async function newUser(options: ChatClientOptions = {}) {
  const api = new ChatApi({ baseUrl: cluster.gateway.url });
  const user = await api.register(`client-${process.pid}-${++users}`, 'password123');
  const chat = new ChatClient({ url: gateway(), token: user.token, WebSocket, ...options });
  onTestFinished(() => chat.close());
  const messages: ReceivedMessage[] = [];
  const trouble: object[] = [];
  chat.on('message', (message) => messages.push(message));
  chat.on('gap', (gap) => trouble.push(gap));
  return { api, user, chat, messages, trouble };
}

async function online(chat: ChatClient): Promise<void> {
  chat.connect();
  await vi.waitUntil(() => chat.state === 'online', SOON);
}

function gateway(): string {
  return `${cluster.gateway.url}/ws`;
}

function replica(index: number): string {
  return `${cluster.realtime[index]!.url}/ws`;
}

/** The texts that start with a prefix, in the order in which they came. */
function textsOf(messages: readonly { message: string }[], prefix: string): string[] {
  return messages.map(({ message }) => message).filter((text) => text.startsWith(prefix));
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('two clients on two replicas', () => {
  test('each sees the messages of both, once and in the order of the history', async () => {
    const [ann, bob] = [await newUser({ url: replica(0) }), await newUser({ url: replica(1) })];
    await Promise.all([online(ann.chat), online(bob.chat)]);
    const sent = await Promise.all(
      [...numbered('both ', 20), ...numbered('both+', 20)].map((text, index) =>
        (index < 20 ? ann : bob).chat.send(GENERAL, text),
      ),
    );
    for (const { messages } of [ann, bob]) {
      await vi.waitUntil(() => textsOf(messages, 'both').length === 40, SOON);
    }
    const stored = (await ann.api.messages(GENERAL, { size: 200 })).reverse();
    const texts = textsOf(stored, 'both');
    expect(textsOf(ann.messages, 'both')).toEqual(texts);
    expect(textsOf(bob.messages, 'both')).toEqual(texts);
    expect(
      textsOf(
        texts.map((message) => ({ message })),
        'both ',
      ),
    ).toEqual(numbered('both ', 20));
    const own = ann.messages.filter(({ message, own }) => own && message.startsWith('both'));
    expect(own.map(({ cid, date }) => ({ cid, date }))).toEqual(sent.slice(0, 20));
    expect([...ann.trouble, ...bob.trouble]).toEqual([]);
  });

  test('a new private room shows up at the other, and only there', async () => {
    const [ann, bob, eve] = [await newUser(), await newUser(), await newUser()];
    await Promise.all([ann, bob, eve].map(({ chat }) => online(chat)));
    const shown: string[] = [];
    bob.chat.on('room', ({ id, names }) => shown.push(`${id} ${names?.join()}`));
    const { id } = await ann.api.createPrivateRoom(ann.user.id, bob.user.id);
    await vi.waitUntil(() => shown.length > 0, SOON);
    expect(shown[0]).toBe(`${id} ${ann.user.username},${bob.user.username}`);
    await ann.chat.send(id, 'psst');
    await vi.waitUntil(() => bob.messages.some(({ message }) => message === 'psst'), SOON);
    await expect(eve.chat.send(id, 'me too')).rejects.toMatchObject({ code: 'room_forbidden' });
    await eve.chat.send(GENERAL, 'over');
    await vi.waitUntil(() => bob.messages.some(({ message }) => message === 'over'), SOON);
    expect(eve.messages.some(({ message }) => message === 'psst')).toBe(false);
  });

  test('a named room is joined with what was said since a date, and kept over a reconnect', async () => {
    const [ann, bob] = [await newUser({ url: replica(0) }), await newUser({ urls: [replica(1)] })];
    await Promise.all([online(ann.chat), online(bob.chat)]);
    const { id } = await ann.api.createRoom('Cats');
    const first = await ann.chat.send(id, 'cat 0');
    await ann.chat.send(id, 'cat 1');
    expect(await bob.chat.join(id, first.date)).toMatchObject({ id, name: 'Cats' });
    await ann.chat.send(id, 'cat 2');
    await vi.waitUntil(() => textsOf(bob.messages, 'cat').length === 2, SOON);
    bob.chat.close();
    await ann.chat.send(id, 'cat 3');
    await online(bob.chat);
    await ann.chat.send(id, 'cat 4');
    await vi.waitUntil(() => textsOf(bob.messages, 'cat').length === 4, SOON);
    expect(textsOf(bob.messages, 'cat')).toEqual(['cat 1', 'cat 2', 'cat 3', 'cat 4']);
    await expect(bob.chat.join('999999')).rejects.toMatchObject({ code: 'room_not_found' });
  });
});

describe('limits', () => {
  test('a hundred messages at once pass the rate limit in their order', async () => {
    const { chat, messages } = await newUser();
    await online(chat);
    const errors: string[] = [];
    chat.on('error', ({ code }) => errors.push(code));
    const from = performance.now();
    await Promise.all(numbered('fast ', 100).map((text) => chat.send(GENERAL, text)));
    const seconds = (performance.now() - from) / 1000;
    await vi.waitUntil(() => textsOf(messages, 'fast').length === 100, SOON);
    expect(textsOf(messages, 'fast')).toEqual(numbered('fast ', 100));
    // A machine that takes three seconds for them is never over the limit.
    expect(new Set(errors)).toEqual(new Set(seconds < 3 || errors.length > 0 ? ['rate_limited'] : []));
  });

  test('what the server refuses for good rejects', async () => {
    const { chat } = await newUser();
    await online(chat);
    await expect(chat.send(GENERAL, '')).rejects.toMatchObject({ code: 'message_empty' });
    await expect(chat.send('77777', 'hello')).rejects.toMatchObject({ code: 'room_not_found' });
    await expect(chat.send('2:1', 'hello')).rejects.toMatchObject({ code: 'invalid_room' });
    await expect(chat.send('no room', 'hello')).rejects.toMatchObject({ code: 'invalid_room' });
    expect((await chat.send(GENERAL, 'still here')).date).toBeGreaterThan(0);
  });
});

describe('sessions', () => {
  test('a logout elsewhere stops the client', async () => {
    const { api, chat } = await newUser();
    await online(chat);
    await api.logout();
    await vi.waitUntil(() => chat.state === 'stopped', SOON);
    await expect(chat.send(GENERAL, 'hello')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test.each([undefined, 'x'.repeat(43)])('a token that is none stops at the upgrade', async (token) => {
    const chat = new ChatClient({ url: gateway(), token, WebSocket });
    onTestFinished(() => chat.close());
    const stopped = new Promise((resolve) => chat.on('stopped', resolve));
    chat.connect();
    expect(await stopped).toMatchObject({ code: 4401 });
  });
});

describe('the socket plane', () => {
  test('is used when it is there, and the gateway when not', async () => {
    const plane = await newUser({ urls: [`${cluster.sockets.url}/ws`, 'ws://127.0.0.1:1/ws'] });
    await online(plane.chat);
    const fallback = await newUser({ urls: ['ws://127.0.0.1:1/ws', gateway()] });
    await online(fallback.chat);
    await fallback.chat.send(GENERAL, 'from the gateway');
    await vi.waitUntil(() => plane.messages.some(({ message }) => message === 'from the gateway'), SOON);
  });
});

describe('a foreign server', () => {
  test('with a wrong clock does not stop the room, also not after a reconnect', async () => {
    const { chat, messages, trouble } = await newUser();
    await online(chat);
    const redis = new Redis(cluster.redis.url);
    onTestFinished(() => redis.disconnect());
    const seconds = Math.floor(Date.now() / 1000);
    for (const [date, text] of [
      [Date.now(), 'clock ms'],
      [seconds, 'clock s'],
      [seconds, 'clock s again'],
      [seconds - 3000, 'clock late'],
    ]) {
      const data = { from: '1', date, message: text, roomId: GENERAL };
      await redis.zadd(`room:${GENERAL}`, String(date), JSON.stringify(data));
      await redis.publish(CHANNEL, JSON.stringify({ serverId: 4711, type: 'message', data }));
    }
    await vi.waitUntil(() => textsOf(messages, 'clock').length === 4, SOON);
    await chat.send(GENERAL, 'clock ours');
    await vi.waitUntil(() => textsOf(messages, 'clock').length === 5, SOON);
    chat.close();
    await online(chat);
    await chat.send(GENERAL, 'clock back');
    await vi.waitUntil(() => textsOf(messages, 'clock').length === 6, SOON);
    expect(trouble).toEqual([]);
    await redis.zremrangebyscore(`room:${GENERAL}`, Date.now(), '+inf');
  });
});

describe('faults', () => {
  /** Sends without a pause until it is told to stop, and says which were acknowledged. */
  function talk(chat: ChatClient, prefix: string) {
    let stopped = false;
    const sent = (async () => {
      const texts: string[] = [];
      while (!stopped) {
        const text = `${prefix}${texts.length}`;
        await chat.send(GENERAL, text);
        texts.push(text);
        await sleep(60);
      }
      return texts;
    })();
    return {
      stop: () => {
        stopped = true;
        return sent;
      },
    };
  }

  /** So many messages of General at least, oldest first. */
  async function lastMessages(api: ChatApi, count: number): Promise<Message[]> {
    const newestFirst: Message[] = [];
    for (;;) {
      const before = newestFirst.at(-1)?.date;
      const page = await api.messages(GENERAL, { size: 200, ...(before !== undefined && { before }) });
      newestFirst.push(...page);
      if (newestFirst.length >= count || page.length === 0) return newestFirst.reverse();
    }
  }

  async function expectAll(prefix: string, sent: string[], listeners: Awaited<ReturnType<typeof newUser>>[]) {
    for (const { messages } of listeners) {
      await vi.waitUntil(() => textsOf(messages, prefix).length >= sent.length, SOON);
    }
    const stored = await vi.waitFor(() => lastMessages(listeners[0]!.api, sent.length), SOON);
    expect(textsOf(stored, prefix)).toEqual(sent);
    for (const { messages, trouble } of listeners) {
      expect(textsOf(messages, prefix)).toEqual(sent);
      expect(trouble).toEqual([]);
    }
  }

  test('a killed replica loses and repeats nothing', async () => {
    const urls = [replica(2), gateway()];
    const [ann, bob, eve] = [
      await newUser({ urls }),
      await newUser({ urls }),
      await newUser({ url: replica(0) }),
    ];
    await Promise.all([ann, bob, eve].map(({ chat }) => online(chat)));
    const { stop } = talk(ann.chat, 'kill ');
    await vi.waitUntil(() => textsOf(eve.messages, 'kill').length >= 5, SOON);
    await cluster.killReplica(2);
    await vi.waitUntil(() => textsOf(eve.messages, 'kill').length >= 15, SOON);
    await cluster.startReplica(2);
    await expectAll('kill ', await stop(), [ann, bob, eve]);
  });

  test('a draining replica moves its clients without losing anything', async () => {
    const urls = [replica(2), gateway()];
    const [ann, bob, eve] = [
      await newUser({ urls }),
      await newUser({ urls }),
      await newUser({ url: replica(0) }),
    ];
    await Promise.all([ann, bob, eve].map(({ chat }) => online(chat)));
    const { stop } = talk(ann.chat, 'drain ');
    await vi.waitUntil(() => textsOf(eve.messages, 'drain').length >= 5, SOON);
    await cluster.restartReplica(2);
    const seen = textsOf(eve.messages, 'drain').length;
    await vi.waitUntil(() => textsOf(eve.messages, 'drain').length >= seen + 5, SOON);
    await expectAll('drain ', await stop(), [ann, bob, eve]);
  });

  test('while Redis is away messages wait, and are stored once when it is back', async () => {
    const [ann, bob] = [await newUser({ url: replica(0) }), await newUser({ url: replica(1) })];
    await Promise.all([online(ann.chat), online(bob.chat)]);
    const { stop } = talk(ann.chat, 'away ');
    await vi.waitUntil(() => textsOf(bob.messages, 'away').length >= 5, SOON);
    await cluster.killRedis();
    await vi.waitUntil(() => ann.chat.state === 'degraded', SOON);
    await cluster.startRedis();
    await vi.waitUntil(() => ann.chat.state === 'online', SOON);
    const seen = textsOf(bob.messages, 'away').length;
    await vi.waitUntil(() => textsOf(bob.messages, 'away').length >= seen + 5, SOON);
    await expectAll('away ', await stop(), [ann, bob]);
  });
});
