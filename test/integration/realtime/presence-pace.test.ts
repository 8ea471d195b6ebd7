import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_CHANNEL, encodeEnvelope, type ServerFrame } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccount } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { changesTold } from '../../harness/told.ts';

let server: RunningRedis;
let redis: Redis;
let replica: TestRealtime;
let watcher: ChatSocket;
/** Ids of users who are nowhere but in what is told of them. */
const FIRST_ID = 1_000_000;
let lastId = FIRST_ID;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  replica = await startRealtime(server.url, { LIMITS: 'off' });
  const { token } = await createAccount(redis);
  watcher = await ChatSocket.connect(replica.socketUrl, { token });
  await watcher.next('user.connected');
});
afterAll(async () => {
  await watcher.close();
  await replica.stop();
  await redis.quit();
  await server.stop();
});

const isPresence = ({ type }: ServerFrame) =>
  type === 'user.connected' || type === 'user.disconnected' || type === 'users.changed';
const presence = () => watcher.frames.filter(isPresence);

/** New users. */
const people = (count: number) =>
  Array.from({ length: count }, () => {
    const id = ++lastId;
    return { id, username: `user ${id}` };
  });

type Users = ReturnType<typeof people>;
let clock = 1;

/** What a replica of this number tells the others. */
function tell(n: number, connected: Users, disconnected: Users = []): Promise<number> {
  const at = (users: Users) => users.map((user) => ({ ...user, at: ++clock }));
  const data = { connected: at(connected), disconnected: at(disconnected) };
  return redis.publish(CLUSTER_CHANNEL, encodeEnvelope(`replica-${n}`, 'users.changed', data));
}

describe('a socket', () => {
  it('gets one presence frame a second at most, however many replicas tell something', async () => {
    const before = presence().length;
    const begun = performance.now();
    const all: Users = [];
    while (performance.now() - begun < 3000) {
      const some = people(2);
      all.push(...some);
      await tell(all.length % 20, some);
      await sleep(50);
    }
    const last = all.at(-1)!.id;
    await expect
      .poll(() => JSON.stringify(presence()).includes(`"id":${last},`), { timeout: 15_000 })
      .toBe(true);
    const seconds = (performance.now() - begun) / 1000;
    const frames = presence().slice(before);
    // One at once, and then one with each second that begins.
    expect(frames.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    const ids = changesTold(watcher).flatMap(({ id }) => (id > FIRST_ID ? [id] : []));
    expect(ids.toSorted((a, b) => a - b)).toEqual(all.map(({ id }) => id));
  });

  it('is told of a change alone in a frame of its own', async () => {
    const [ann] = people(1) as [Users[number]];
    await tell(1, [ann]);
    expect(await watcher.next('user.connected', ({ id }) => id === ann.id)).toEqual({ ...ann, online: true });
    await tell(2, [], [ann]);
    expect(await watcher.next('user.disconnected', ({ id }) => id === ann.id)).toEqual({
      ...ann,
      online: false,
    });
  });

  it('is told of each user once, as it is at the end of the second', async () => {
    const [first, back, gone] = people(3) as [Users[number], Users[number], Users[number]];
    // What is told at once begins the second.
    await tell(1, [first]);
    await watcher.next('user.connected', ({ id }) => id === first.id);
    // At once, so that they come within one second on any machine.
    await Promise.all([tell(2, [back, gone]), tell(3, [], [back, gone]), tell(4, [back])]);
    const frame = await watcher.next('users.changed', ({ connected }) =>
      connected.some(({ id }) => id === back.id),
    );
    expect(frame).toEqual({ connected: [back], disconnected: [gone] });
  });

  it('is told of more than 64 within a second without names', async () => {
    const [first, ...rest] = people(81);
    await tell(1, [first!]);
    await watcher.next('user.connected', ({ id }) => id === first!.id);
    await Promise.all(Array.from({ length: 8 }, (_, n) => tell(n, rest.slice(n * 10, n * 10 + 10))));
    expect(await watcher.next('users.changed', ({ truncated }) => truncated === true)).toEqual({
      connected: [],
      disconnected: [],
      truncated: true,
    });
  });
});
