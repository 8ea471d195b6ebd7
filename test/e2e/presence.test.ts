import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ChatClient } from '@chat/client';
import { CHANNEL, type UserId } from '@chat/protocol';
import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { PRESENCE_MS } from '../chaos/scale.ts';
import { BRIEF_MS, watchAbsence } from '../harness/absence.ts';
import { type Account, createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import { changesTold, told, untilTold } from '../harness/told.ts';

/** What a test waits for comes within this time, also on a loaded machine. */
const SOON = { timeout: 30_000, interval: 20 };

let cluster: Cluster;
let redis: Redis;
let sockets: ChatSocket[] = [];

beforeAll(async () => {
  cluster = await startCluster();
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

/** A socket on the replica with this number, through the gateway. */
async function connect(n: number, { token }: Account): Promise<ChatSocket> {
  const url = `${cluster.gateway.url.replace('http', 'ws')}/replica/${n}/ws`;
  const socket = await ChatSocket.connect(url, { token });
  sockets.push(socket);
  await socket.next('hello');
  await socket.settle();
  return socket;
}

/** Whether the history service lists the users as online, in their order. */
async function listed(as: Account, users: readonly Account[]): Promise<boolean[]> {
  const answer = await fetch(`${cluster.gateway.url}/users/online`, {
    headers: { Authorization: `Bearer ${as.token}` },
  });
  expect(answer.status).toBe(200);
  const online = (await answer.json()) as Record<string, unknown>;
  return users.map(({ id }) => String(id) in online);
}

const newAccounts = (count: number) =>
  Promise.all(Array.from({ length: count }, () => createAccount(redis))) as Promise<Account[]>;

describe('a user with two tabs on two replicas', () => {
  test('comes online with the first and goes offline with the last', async () => {
    const [watcher, ann, other] = (await newAccounts(3)) as [Account, Account, Account];
    const watching = await connect(3, watcher);
    const first = await connect(1, ann);
    await untilTold(watching, ann.id, [true]);
    const second = await connect(2, ann);
    await vi.waitFor(async () => expect(await redis.hlen(keys.userConnections(ann.id))).toBe(2), SOON);
    await first.close();
    await vi.waitFor(async () => expect(await redis.hlen(keys.userConnections(ann.id))).toBe(1), SOON);
    // Replica 1 tells its changes in their order: what comes later shows that nothing was told before.
    const barrier = await connect(1, other);
    await untilTold(watching, other.id, [true]);
    expect(told(watching, ann.id)).toEqual([true]);
    expect(await listed(watcher, [ann, other])).toEqual([true, true]);

    await second.close();
    await untilTold(watching, ann.id, [true, false]);
    expect(await listed(watcher, [ann, other])).toEqual([false, true]);
    await barrier.close();
    await untilTold(watching, other.id, [true, false]);
  });

  test('of the same replica is counted as well', async () => {
    const [watcher, ann] = (await newAccounts(2)) as [Account, Account];
    const watching = await connect(2, watcher);
    const tabs = [await connect(1, ann), await connect(1, ann), await connect(1, ann)];
    await untilTold(watching, ann.id, [true]);
    await tabs[0]!.close();
    await tabs[1]!.close();
    await vi.waitFor(async () => {
      expect(Object.values(await redis.hgetall(keys.userConnections(ann.id)))).toEqual(['1']);
    }, SOON);
    expect(told(watching, ann.id)).toEqual([true]);
    await tabs[2]!.close();
    await untilTold(watching, ann.id, [true, false]);
  });
});

describe('a rolling restart', () => {
  test('tells nobody of users whose clients go from one replica to the other', async () => {
    const [watcher, ...users] = (await newAccounts(13)) as [Account, ...Account[]];
    // First, as a change that was told before it listens never reaches it. Its replica is the last one that ends.
    const watching = await connect(3, watcher);
    const url = `${cluster.gateway.url.replace('http', 'ws')}/ws`;
    const clients = users.map(({ token }) => new ChatClient({ url, token, WebSocket }));
    onTestFinished(() => {
      for (const client of clients) client.close();
    });
    for (const client of clients) client.connect();
    for (const { id } of users) await untilTold(watching, id, [true]);
    const longest = clients.map(watchAbsence);
    for (const index of [0, 1]) await cluster.restartReplica(index);
    const barrier = await createAccount(redis);
    await vi.waitFor(async () => await connect(1, barrier), SOON);
    await untilTold(watching, barrier.id, [true]);
    for (const [index, { id }] of users.entries()) {
      // Who was away for longer was offline: it is told so.
      if (longest[index]!() < BRIEF_MS) expect(told(watching, id)).toEqual([true]);
    }
  });
});

describe('kill -9 of a replica', () => {
  test('takes its users offline in time, and nobody else', async () => {
    const [watcherA, watcherB, elsewhere, both, ...lost] = (await newAccounts(24)) as [
      Account,
      Account,
      Account,
      Account,
      ...Account[],
    ];
    const watching = [await connect(1, watcherA), await connect(2, watcherB)];
    await connect(2, elsewhere);
    await connect(2, both);
    await connect(3, both);
    for (const account of lost) await connect(3, account);
    const watched = [elsewhere, both, ...lost];
    for (const socket of watching) for (const { id } of watched) await untilTold(socket, id, [true]);

    const dead = cluster.realtime[2]!.serverId;
    // The tutorial's servers hear of each by an event of its own: the moment by which it is measured.
    const heard = new Map<UserId, number>();
    const listener = new Redis(cluster.redis.url);
    await listener.subscribe(CHANNEL);
    listener.on('message', (_channel, text) => {
      const { type, data } = JSON.parse(text);
      if (type === 'user.disconnected' && !heard.has(data.id)) heard.set(data.id, performance.now());
    });
    const stalls = monitorEventLoopDelay({ resolution: 10 });
    stalls.enable();
    const killedAt = performance.now();
    await cluster.killReplica(2);

    await vi.waitFor(() => expect(lost.every(({ id }) => heard.has(id))).toBe(true), SOON);
    stalls.disable();
    // What this process itself slept while it should have listened is not the cluster's.
    const stallMs = stalls.max / 1e6;
    const lastMs = Math.max(...lost.map(({ id }) => heard.get(id)! - killedAt));
    expect(lastMs - stallMs).toBeLessThan(PRESENCE_MS);

    for (const socket of watching) {
      for (const { id } of lost) await untilTold(socket, id, [true, false]);
      for (const { id } of [elsewhere, both]) expect(told(socket, id)).toEqual([true]);
    }
    expect(await listed(watcherA, watched)).toEqual([true, true, ...lost.map(() => false)]);
    await vi.waitFor(async () => expect(await redis.zscore(keys.servers, dead)).toBeNull(), SOON);
    expect(await redis.exists(keys.serverUsers(dead))).toBe(0);
    expect(await redis.hkeys(keys.userConnections(both.id))).toEqual([cluster.realtime[1]!.serverId]);
    listener.disconnect();

    await cluster.startReplica(2);
    await vi.waitFor(async () => await connect(3, lost[0]!), SOON);
    for (const socket of watching) await untilTold(socket, lost[0]!.id, [true, false, true]);
  });
});

describe('a user name out of emoji and right-to-left letters', () => {
  test('is told as it is', async () => {
    const [watcher] = (await newAccounts(1)) as [Account];
    const watching = await connect(1, watcher);
    const name = `😀 שלום ${process.pid}`;
    const user = await createAccount(redis, name);
    await connect(2, user);
    await untilTold(watching, user.id, [true]);
    expect(changesTold(watching).find(({ id }) => id === user.id)?.username).toBe(name);
  });
});
