import { setTimeout as sleep } from 'node:timers/promises';
import { GENERAL } from '@chat/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { RedisProxy } from '../harness/redis-proxy.ts';
import type { Service } from '../harness/service.ts';
import { metricOf } from './metrics.ts';
import { FULL, SOON, scaled } from './scale.ts';
import { openStage, play, type Stage } from './scene.ts';

/** How the subscription of a replica is called in Redis; that of its commands is not. */
const SUBSCRIPTION = 'chat-realtime-relay';
const COUNT = scaled(90, 30);
const PER_SECOND = 30;
const BLOCKED_MS = 10_000;
const TIMEOUT_MS = 240_000;

let stage: Stage;
let proxy: RedisProxy;
/** The third replica, which reaches Redis through the proxy. */
let deaf: Service;

beforeAll(async () => {
  stage = await openStage({ replicas: 2, env: { REBALANCE: 'false' } });
  proxy = await RedisProxy.start(stage.cluster.redis.url);
  deaf = await stage.cluster.startReplica(undefined, { REDIS_URL: proxy.url });
});
afterAll(async () => {
  await stage?.close();
  await proxy?.stop();
});

async function ready(): Promise<number> {
  return (await fetch(`${deaf.url}/readyz`)).status;
}

/** Connects through the balancer and tells where that leads. */
async function balancedTo(): Promise<string> {
  const account = await createAccount(stage.redis);
  const url = `${stage.cluster.gateway.url.replace('http', 'ws')}/ws`;
  const socket = await ChatSocket.connect(url, account);
  const { serverId } = await socket.next('hello');
  await socket.close();
  return serverId;
}

/** The replica hears nothing for ten seconds while everybody talks who is on another one. */
async function goDeaf(title: string, makeDeaf: () => void) {
  const { cluster, redis } = stage;
  return await play(stage, {
    title,
    count: COUNT,
    perSecond: PER_SECOND,
    async act(crowd, ledger) {
      const { serverId } = deaf;
      expect(crowd.on(serverId).length).toBeGreaterThan(COUNT / 6);
      // Nobody says anything on the replica itself: only relays tell it that there is something to deliver.
      crowd.talk(PER_SECOND, (member) => member.serverId !== serverId);
      const account = await createAccount(redis);
      const listener = await ChatSocket.connect(`${deaf.url.replace('http', 'ws')}/ws`, account);
      onTestFinished(() => listener.cut());
      ledger.watchSocket('listener', listener);
      await listener.next('hello');
      await listener.settle();
      await sleep(1000);

      const deafAt = performance.now();
      makeDeaf();
      await vi.waitFor(async () => expect(await ready()).toBe(503), SOON);
      await vi.waitFor(async () => {
        for (let n = 0; n < 4; n++) expect(await balancedTo()).not.toBe(serverId);
      }, SOON);
      // Its commands work, so what is said there is stored, and heard by all others.
      const date = await listener.say(GENERAL, 'does anybody hear me?');
      expect(date).toBeGreaterThan(0);
      await sleep(Math.max(0, BLOCKED_MS - (performance.now() - deafAt)));
      expect(await ready()).toBe(503);

      proxy.heal(SUBSCRIPTION);
      ledger.faultEnded();
      await vi.waitFor(async () => expect(await ready()).toBe(200), SOON);
      expect(proxy.connections(SUBSCRIPTION)).toBe(1);
      await sleep(2000);
      await vi.waitFor(async () => {
        expect((await Promise.all(cluster.realtime.map(balancedTo))).includes(serverId)).toBe(true);
      }, SOON);
    },
  });
}

describe.runIf(FULL)('a subscription that is alive and silent', () => {
  test('is noticed, made anew and repaired', { timeout: TIMEOUT_MS }, async () => {
    const report = await goDeaf('a silent subscription, resubscribing blocked for 10 s', () => {
      proxy.mute(SUBSCRIPTION);
      proxy.block(SUBSCRIPTION);
    });
    expect(report.repairs).toBeGreaterThan(0);
    expect(report.reconnects).toBe(0);
  });
});

describe('a subscription that is cut and cannot be made again for 10 s', () => {
  test('is repaired when it can', { timeout: TIMEOUT_MS }, async () => {
    const report = await goDeaf('a cut subscription, resubscribing blocked for 10 s', () => {
      proxy.block(SUBSCRIPTION);
      proxy.cut(SUBSCRIPTION);
    });
    expect(report.repairs).toBeGreaterThan(0);
    expect(report.reconnects).toBe(0);
  });

  test('and CLIENT KILL of all subscriptions at once, again and again', { timeout: TIMEOUT_MS }, async () => {
    const { redis } = stage;
    const report = await play(stage, {
      title: 'CLIENT KILL of all subscriptions, five times',
      count: COUNT,
      perSecond: PER_SECOND,
      async act(_crowd, ledger) {
        for (let n = 0; n < 5; n++) {
          await sleep(scaled(1000, 500));
          await vi.waitFor(
            async () =>
              expect(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBeGreaterThanOrEqual(1),
            SOON,
          );
        }
        ledger.faultEnded();
        await sleep(1500);
      },
    });
    expect(report.reconnects).toBe(0);
    for (const { url } of stage.cluster.realtime) {
      await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), SOON);
      expect(await metricOf(url, 'chat_append_queue_messages')).toBe(0);
    }
  });
});
