import { keys } from '@chat/store';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_ONLINE_LISTED } from '../src/routes/users.ts';
import { type HistoryServer, startHistory, type Visitor } from './history-server.ts';

let history: HistoryServer;
let ann: Visitor;
let bob: Visitor;
beforeAll(async () => {
  history = await startHistory();
});
afterAll(() => history.stop());
beforeEach(async () => {
  await history.redis.flushall();
  [ann, bob] = [await history.visitor('ann'), await history.visitor('bob')];
});

const entry = (user: Visitor, online: boolean) => ({
  [user.id]: { id: user.id, username: user.username, online },
});

describe('GET /users', () => {
  it('tells names and who is online, however the ids are written', async () => {
    await history.redis.sadd(keys.onlineUsers, bob.id);
    const both = { ...entry(ann, false), ...entry(bob, true) };
    for (const query of [
      `ids[]=${ann.id}&ids[]=${bob.id}`,
      `ids%5B%5D=${ann.id}&ids%5B%5D=${bob.id}`,
      `ids=${ann.id}&ids=${bob.id}`,
      `ids[]=${ann.id},${bob.id}`,
      `ids=${ann.id},${bob.id},`,
      `ids[]=${ann.id}&ids=${bob.id}&ids=${bob.id}`,
    ]) {
      expect(await ann.ask(`/users?${query}`)).toMatchObject({ status: 200, body: both });
    }
    expect((await ann.ask(`/users?ids[]=${bob.id}`)).body).toEqual(entry(bob, true));
  });

  it('leaves out who does not exist', async () => {
    expect((await ann.ask(`/users?ids[]=${bob.id}&ids[]=999`)).body).toEqual(entry(bob, false));
    expect((await ann.ask('/users')).body).toEqual({});
  });

  it('gives no more than id, name and online: the password stays in Redis', async () => {
    const { body } = await ann.ask(`/users?ids[]=${bob.id}`);
    expect(Object.keys(body[bob.id])).toEqual(['id', 'username', 'online']);
  });
});

describe('GET /users/online', () => {
  it('lists who is online, on whatever server', async () => {
    expect(await ann.ask('/users/online')).toMatchObject({ status: 200, body: {} });
    await history.redis.sadd(keys.onlineUsers, bob.id, 'undefined', '999');
    const { body, headers } = await ann.ask('/users/online');
    expect(body).toEqual(entry(bob, true));
    expect(headers.get('x-total-count')).toBe('3');
  });

  it('is bounded, and tells how many there are', async () => {
    const count = MAX_ONLINE_LISTED + 5;
    const pipeline = history.redis.pipeline();
    for (let id = 1000; id < 1000 + count; id++) {
      pipeline.hset(keys.user(id), 'username', `user ${id}`).sadd(keys.onlineUsers, id);
    }
    await pipeline.exec();
    const { body, headers } = await ann.ask('/users/online');
    expect(Object.keys(body)).toHaveLength(MAX_ONLINE_LISTED);
    expect(headers.get('x-total-count')).toBe(String(count));
  });

  it('is made once a second at most, for all who ask meanwhile, and is never older than the question', async () => {
    await history.redis.sadd(keys.onlineUsers, ann.id);
    await history.redis.config('RESETSTAT');
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => ann.ask('/users/online')));
    for (const { status, body } of answers)
      expect({ status, body }).toEqual({ status: 200, body: entry(ann, true) });
    await history.redis.sadd(keys.onlineUsers, bob.id);
    expect((await ann.ask('/users/online')).body).toEqual({ ...entry(ann, true), ...entry(bob, true) });
    const seconds = (performance.now() - begun) / 1000;
    const [, made] = /cmdstat_srandmember:calls=(\d+)/.exec(await history.redis.info('commandstats'))!;
    expect(Number(made)).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });
});
