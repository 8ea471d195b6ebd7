import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { keys } from './keys.ts';
import { RevocationAnswers } from './revocation-answers.ts';

// Its own Redis: the list of all servers is looked at.
let server: RunningRedis;
let redis: Redis;
let answers: RevocationAnswers;
let request: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  answers = new RevocationAnswers(redis);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  request = randomUUID();
  await redis.del(keys.servers);
});

const live = (serverId: string, seconds = 60) =>
  redis.zadd(keys.servers, Date.now() / 1000 + seconds, serverId);

describe('RevocationAnswers', () => {
  it('adds up what all living servers say, once they said it', async () => {
    await Promise.all([live('a'), live('b'), live('dead', -60)]);
    const collected = answers.collect(request);
    await answers.answer(request, 'a', 2);
    await answers.answer(request, 'b', 1);
    expect(await collected).toEqual({ closed: 3, unanswered: 0 });
    expect(await redis.ttl(keys.revocation(request))).toBeGreaterThan(0);
  });

  it('waits for nobody where nobody is', async () => {
    expect(await answers.collect(request)).toEqual({ closed: 0, unanswered: 0 });
  });

  it('does not wait for ever, and says of how many it does not know', async () => {
    await Promise.all([live('a'), live('silent')]);
    await answers.answer(request, 'a', 2);
    expect(await answers.collect(request)).toEqual({ closed: 2, unanswered: 1 });
  });

  it('hears an answer that comes after this process stood still', async () => {
    await live('a');
    const collected = answers.collect(request);
    const until = performance.now() + 1200;
    while (performance.now() < until);
    await sleep(100);
    await answers.answer(request, 'a', 2);
    expect(await collected).toEqual({ closed: 2, unanswered: 0 });
  });

  it('does not fail when Redis goes away meanwhile', async () => {
    await live('silent');
    const gone = new Redis(server.url, { enableOfflineQueue: false, retryStrategy: null });
    gone.on('error', () => undefined);
    await new Promise((resolve) => gone.once('ready', resolve));
    const collected = new RevocationAnswers(gone).collect(request);
    setTimeout(() => gone.disconnect(), 100);
    expect(await collected).toEqual({ closed: 0, unanswered: 1 });
  });
});
