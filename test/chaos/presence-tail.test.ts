import { keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Account, createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type SentinelGroup, startSentinelGroup } from '../harness/sentinel.ts';
import { expectPresence } from './presence.ts';
import { SOON } from './scale.ts';
import { openStage, type Stage } from './scene.ts';

const COUNT = 20;

let group: SentinelGroup;
let stage: Stage;

beforeAll(async () => {
  group = await startSentinelGroup({ replicas: 1 });
  const sentinels = group.addresses.split(',').map((address) => {
    const [host, port] = address.split(':');
    return { host: host!, port: Number(port) };
  });
  stage = await openStage(
    {
      redisUrl: `redis://127.0.0.1:${await group.masterPort()}`,
      env: { REDIS_SENTINELS: group.addresses, REDIS_TIMEOUT_MS: '1000', REBALANCE: 'false' },
    },
    () => new Redis({ sentinels, name: 'mymaster', failoverDetector: true }),
  );
});
afterAll(async () => {
  await stage?.close();
  await group?.stop();
});

async function connect(index: number, { token }: Account): Promise<ChatSocket> {
  const { url } = stage.cluster.realtime[index % stage.cluster.realtime.length]!;
  const socket = await ChatSocket.connect(`${url.replace('http', 'ws')}/ws`, { token });
  await socket.next('hello');
  return socket;
}

/** Stops the only replica of Redis and cuts its connection: what the master takes from now on is the master's alone. */
async function cutReplicaOff(master: number): Promise<number> {
  const replica = [...group.servers.values()].find(({ port }) => port !== master)!;
  process.kill(replica.pid!, 'SIGSTOP');
  const redis = new Redis(master);
  await redis.client('KILL', 'TYPE', 'REPLICA');
  redis.disconnect();
  return replica.pid!;
}

test('a failover that loses who came and who left last is made good within 10 s', {
  timeout: 300_000,
}, async () => {
  const { redis } = stage;
  const accounts = await Promise.all(Array.from({ length: 3 * COUNT }, () => createAccount(redis)));
  const [stay, leave, come] = [0, 1, 2].map((part) => accounts.slice(part * COUNT, (part + 1) * COUNT)) as [
    Account[],
    Account[],
    Account[],
  ];
  const ids = (some: readonly Account[]) => some.map(({ id }) => id);
  const open = await Promise.all(stay.map((account, index) => connect(index, account)));
  const leaving = await Promise.all(leave.map((account, index) => connect(index, account)));
  await expectPresence(redis, performance.now(), { online: ids([...stay, ...leave]) });
  const before = await group.masterPort();
  const master = new Redis(before);
  // The replica has all of that, and the sessions of those who come.
  await vi.waitFor(async () => expect(await master.wait(1, 100)).toBe(1), SOON);

  const frozen = await cutReplicaOff(before);
  open.push(...(await Promise.all(come.map((account, index) => connect(index, account)))));
  await Promise.all(leaving.map((socket) => socket.close()));
  await vi.waitFor(async () => {
    const online = await master.smismember(keys.onlineUsers, ...ids([...come, ...leave]));
    expect(online).toEqual([...come.map(() => 1), ...leave.map(() => 0)]);
  }, SOON);
  master.disconnect();
  await group.kill(before);
  process.kill(frozen, 'SIGCONT');
  await group.failedOver(before);

  const failedOverAt = performance.now();
  await expectPresence(redis, failedOverAt, { online: ids([...stay, ...come]), offline: ids(leave) });
  await Promise.all(open.map((socket) => socket.close()));
});
