import { ChatClient } from '@chat/client';
import type { RoomId } from '@chat/protocol';
import { Appender, draft, Rooms } from '@chat/store';
import { Redis } from 'ioredis';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  it,
  onTestFinished,
} from 'vitest';
import { WebSocket } from 'ws';
import { type Account, createAccount, removeAccounts } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { RawHttp } from '../../harness/raw-http.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';

const TEXT = 'x'.repeat(4000);
const SOON = { timeout: 30_000, interval: 20 };

let redis: Redis;
let replica: TestRealtime;
let accounts: Account[];
let writer: ChatSocket;
let reader: ChatSocket;
let roomId: RoomId;

beforeAll(async () => {
  redis = new Redis(inject('redisUrl'));
  replica = await startRealtime(inject('redisUrl'), { LIMITS: 'off' });
});
afterAll(async () => {
  await replica.stop();
  await redis.quit();
});
beforeEach(async () => {
  const [ann, bob] = [await createAccount(redis), await createAccount(redis)];
  accounts = [ann, bob];
  roomId = (await new Rooms(redis).createPrivate(ann.id, bob.id))!.id;
  writer = await connect(ann);
  reader = await connect(bob);
});
afterEach(async () => {
  writer.cut();
  reader.cut();
  await removeAccounts(redis, accounts);
});

async function connect({ token }: Account, to = replica): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(to.socketUrl, { token });
  await socket.next('hello');
  await socket.settle();
  return socket;
}

const slow = () => replica.metric('chat_slow_consumers_total');

/** Makes the reader stop reading, and writes until the replica holds too much for it. */
async function fallBehind(): Promise<void> {
  const before = await slow();
  reader.pause();
  for (let sent = 0; (await slow()) === before; ) {
    expect(sent, 'messages of 4 KB that the system took').toBeLessThan(20_000);
    const more = Array.from({ length: 100 }, () => writer.say(roomId, `${sent++} ${TEXT}`));
    await Promise.all(more);
  }
}

describe('a client that reads too slowly', () => {
  it('and then reads on is given all up to a message without a hole, and closed with 4008', async () => {
    await fallBehind();
    // What is said to it now would come after a hole.
    await writer.say(roomId, 'not for those who are behind');
    reader.unpause();
    expect(await reader.closed).toEqual({ code: 4008, reason: 'the client read too slowly; it resumes' });
    const received = reader.messages(roomId).map(({ message }) => message.split(' ')[0]);
    expect(received.length).toBeGreaterThan(100);
    expect(received).toEqual(received.map((_, index) => `${index}`));
  });

  it('and never reads again is closed all the same', async () => {
    const closed = () => replica.metric('chat_closes_total', 'code="4008"');
    const before = await closed();
    await fallBehind();
    await expect.poll(closed, SOON).toBe(before + 1);
    await expect.poll(() => replica.metric('chat_sockets'), SOON).toBe(1);
  });
});

describe('clients that are behind together', () => {
  const TOTAL = 4 * 1024 * 1024;

  it('keep no more waiting than the bound of all, and those that read are not touched', async () => {
    const small = await startRealtime(inject('redisUrl'), {
      LIMITS: 'off',
      MAX_BACKPRESSURE_TOTAL_BYTES: String(TOTAL),
    });
    onTestFinished(() => small.stop());
    const rooms = new Rooms(redis);
    const general = (await rooms.createNamed('behind', accounts[0]!.id)).id;
    const enter = async (open: (account: Account) => Promise<{ cut(): void }>) => {
      const account = await createAccount(redis);
      accounts.push(account);
      await rooms.join(account.id, general);
      const client = await open(account);
      onTestFinished(() => client.cut());
      return client;
    };
    const sockets = Array.from({ length: 10 }, () =>
      enter(async (account) => {
        const socket = await connect(account, small);
        socket.pause();
        return socket;
      }),
    );
    const streams = Array.from({ length: 2 }, () =>
      enter(async ({ token }) => {
        const stream = await RawHttp.connect(small.url);
        stream.send(`GET /stream HTTP/1.1\r\nHost: chat\r\nAuthorization: Bearer ${token}\r\n\r\n`);
        await expect.poll(() => stream.received).toBeGreaterThan(0);
        stream.pause();
        return { cut: () => stream.close() };
      }),
    );
    await Promise.all([...sockets, ...streams]);
    const speaker = await connect(accounts[0]!, small);
    onTestFinished(() => speaker.cut());

    const behind = () => small.metric('chat_backpressure_bytes');
    const connected = async () => (await small.metric('chat_sockets')) + (await small.metric('chat_streams'));
    let most = 0;
    for (let sent = 0; (await connected()) > 1; ) {
      await Promise.all(Array.from({ length: 100 }, () => speaker.say(general, `${sent++} ${TEXT}`)));
      most = Math.max(most, await behind());
    }
    expect(most).toBeGreaterThan(TOTAL / 4);
    expect(most).toBeLessThanOrEqual(TOTAL);
    await speaker.settle();
    await expect.poll(behind).toBe(0);
  });
});

describe('a client that missed more than it may leave waiting', () => {
  it('is not taken for a slow one when it comes back: the largest rooms come as gaps', async () => {
    const [ann] = accounts as [Account, Account];
    const sizes = [400, 400, 400, 10, 20];
    const rooms: RoomId[] = [];
    for (const _ of sizes) {
      const other = await createAccount(redis);
      accounts.push(other);
      rooms.push((await new Rooms(redis).createPrivate(ann.id, other.id))!.id);
    }
    const client = new ChatClient({ url: replica.socketUrl, token: ann.token, WebSocket });
    onTestFinished(() => client.close());
    const received: RoomId[] = [];
    const gaps: RoomId[] = [];
    let resumed = 0;
    client.on('message', (message) => received.push(message.roomId));
    client.on('gap', (gap) => gaps.push(gap.roomId));
    client.on('resumed', () => {
      resumed++;
    });
    client.connect();
    await expect.poll(() => client.state, SOON).toBe('online');
    client.close();

    const appender = new Appender(redis, { serverId: 'elsewhere', keep: 0 });
    for (const [index, id] of rooms.entries()) {
      for (let n = 0; n < sizes[index]!; n += 10) {
        const texts = Array.from({ length: 10 }, (_, place) => `${n + place} ${TEXT}`);
        await appender.append(
          id,
          texts.map((text) => draft(ann.id, id, text, undefined, false)),
        );
      }
    }
    const before = await slow();
    client.connect();
    await expect.poll(() => resumed, SOON).toBe(1);
    expect(await slow()).toBe(before);
    expect(new Set(gaps)).toEqual(new Set(rooms.slice(0, 3)));
    expect(gaps).toHaveLength(3);
    expect(received.filter((id) => id === rooms[3])).toHaveLength(10);
    expect(received.filter((id) => id === rooms[4])).toHaveLength(20);
    const { date } = await client.send(rooms[0]!, 'goes on');
    expect(client.position(rooms[0]!)).toBe(date);
  });
});
