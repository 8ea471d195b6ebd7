import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { keys } from './keys.ts';
import { Presence } from './presence.ts';

// A Redis of its own: servers that other tests start in the shared one would be claimed here.
let server: RunningRedis;
let redis: Redis;
let ann: Presence;
let bob: Presence;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
beforeEach(async () => {
  await redis.del(keys.servers);
  ann = new Presence(redis, 'ann');
  bob = new Presence(redis, 'bob');
});
afterAll(async () => {
  await redis?.quit();
  await server?.stop();
});

const LEASE = 60;
const CLAIM = 30;

/** Lets the lease of a server run out. */
async function expire(serverId: string): Promise<void> {
  await redis.zadd(keys.servers, 'XX', 1, serverId);
}

describe('a lease', () => {
  it('is new at first, and then found as it was set', async () => {
    const first = await ann.renewLease(LEASE, CLAIM);
    expect(first).toMatchObject({ before: undefined, inTime: false, lapsed: true, claimed: [] });
    const second = await ann.renewLease(LEASE, CLAIM);
    expect(second).toMatchObject({ before: first.lease, inTime: true, lapsed: false, claimed: [] });
    expect(Number(second.lease)).toBeGreaterThan(Number(first.lease));
  });

  it('that ran out is claimed by one of the others, whose claim is the lease from then on', async () => {
    await ann.renewLease(LEASE, CLAIM);
    await bob.renewLease(LEASE, CLAIM);
    await expire('ann');
    const { claimed } = await bob.renewLease(LEASE, CLAIM);
    expect(claimed.map(({ serverId }) => serverId)).toEqual(['ann']);
    expect(Number(await redis.zscore(keys.servers, 'ann'))).toBe(Number(claimed[0]!.lease));
    expect((await bob.renewLease(LEASE, CLAIM)).claimed).toEqual([]);
  });

  it('that ran out is noticed by its own server, also when it was reaped', async () => {
    await ann.renewLease(LEASE, CLAIM);
    await expire('ann');
    expect(await ann.renewLease(LEASE, CLAIM)).toMatchObject({ inTime: false, lapsed: true });
    await ann.forget();
    expect(await ann.renewLease(LEASE, CLAIM)).toMatchObject({ before: undefined, lapsed: true });
  });

  it('that ran out by the clock counts as broken', async () => {
    await ann.renewLease(0.05, CLAIM);
    await sleep(100);
    expect(await ann.renewLease(LEASE, CLAIM)).toMatchObject({ inTime: false, lapsed: true });
  });
});

describe('a server whose own lease ran out', () => {
  it('claims nobody: Redis was away, and the others are about to renew theirs', async () => {
    await ann.renewLease(LEASE, CLAIM);
    await bob.renewLease(LEASE, CLAIM);
    await expire('ann');
    await expire('bob');
    expect((await ann.renewLease(LEASE, CLAIM)).claimed).toEqual([]);
    expect(await redis.zscore(keys.servers, 'bob')).toBe('1');
  });

  it('nor does one that was late itself: Redis may have been away for less than a lease', async () => {
    await ann.renewLease(LEASE, CLAIM);
    await bob.renewLease(LEASE, CLAIM);
    // ann renewed hers a moment after bob, then Redis was away until his had run out and hers nearly.
    await expire('bob');
    await redis.zincrby(keys.servers, -0.6 * LEASE, 'ann');
    expect(await ann.renewLease(LEASE, CLAIM)).toMatchObject({
      inTime: false,
      lapsed: false,
      claimed: [],
    });
    expect(await redis.zscore(keys.servers, 'bob')).toBe('1');
  });

  it('and one that missed a single renewal still does', async () => {
    await ann.renewLease(LEASE, CLAIM);
    await bob.renewLease(LEASE, CLAIM);
    await expire('bob');
    await redis.zincrby(keys.servers, -0.4 * LEASE, 'ann');
    const { inTime, claimed } = await ann.renewLease(LEASE, CLAIM);
    expect([inTime, claimed.length]).toEqual([true, 1]);
  });

  it('and one that is told not to claims nobody', async () => {
    await ann.renewLease(LEASE, CLAIM);
    await bob.renewLease(LEASE, CLAIM);
    await expire('bob');
    expect((await ann.renewLease(LEASE, 0)).claimed).toEqual([]);
    expect((await ann.renewLease(LEASE, CLAIM)).claimed).toHaveLength(1);
  });
});
