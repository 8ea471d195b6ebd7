import { performance } from 'node:perf_hooks';
import { createLogger } from '@chat/kit';
import { keys, type Lease, Presence, Users } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type RunningRedis, startRedis } from '../../../../test/harness/redis.ts';
import { UsernameCache } from '../username-cache.ts';
import { Changes } from './changes.ts';
import { LeaseKeeper } from './lease-keeper.ts';

const LEASE_SECONDS = 60;

/** Redis does as it is told, and this server does not hear of it. */
class DeafPresence extends Presence {
  deaf = false;

  override async renewLease(leaseSeconds: number, claimSeconds: number): Promise<Lease> {
    const lease = await super.renewLease(leaseSeconds, claimSeconds);
    if (this.deaf) throw new Error('Command timed out');
    return lease;
  }
}

// A Redis of its own: servers that other tests start in the shared one would be claimed here.
let server: RunningRedis;
let redis: Redis;
let presence: DeafPresence;
let keeper: LeaseKeeper;
let now: number;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.del(keys.servers);
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  presence = new DeafPresence(redis, 'ann');
  const logger = createLogger({ name: 'test', level: 'silent' });
  keeper = new LeaseKeeper({
    presence,
    usernames: new UsernameCache(new Users(redis)),
    changes: new Changes({ serverId: 'ann', redis, logger, onChanged: () => undefined }),
    logger,
    leaseSeconds: LEASE_SECONDS,
    claimSeconds: 30,
    onLost: () => undefined,
  });
  return () => vi.restoreAllMocks();
});

/** Another server, whose lease ran out. */
const bobLapsed = () => redis.zadd(keys.servers, 1, 'bob');
const bobIsClaimed = async () => (await redis.zscore(keys.servers, 'bob')) !== '1';

/** Renews at a time, in seconds, and says whether bob was taken for dead. */
async function renewAt(seconds: number): Promise<boolean> {
  now = seconds * 1000;
  await keeper.renew();
  return await bobIsClaimed();
}

it('takes nobody for dead until a whole lease after its start, and then whoever is', async () => {
  await bobLapsed();
  expect(await renewAt(0)).toBe(false);
  expect(await renewAt(LEASE_SECONDS - 1)).toBe(false);
  expect(await renewAt(LEASE_SECONDS)).toBe(true);
});

it('takes nobody for dead for half a lease after a renewal of which it did not hear', async () => {
  await renewAt(0);
  presence.deaf = true;
  await renewAt(100);
  presence.deaf = false;
  // Redis is back, and bob is about to connect again.
  await bobLapsed();
  expect(await renewAt(101)).toBe(false);
  expect(await renewAt(101 + LEASE_SECONDS / 2 - 1)).toBe(false);
  expect(await renewAt(101 + LEASE_SECONDS / 2)).toBe(true);
});
