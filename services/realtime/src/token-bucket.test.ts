import { expect, it } from 'vitest';
import { LocalUser } from './local-user.ts';
import { TokenBucket } from './token-bucket.ts';

it('lets a burst through, then so many a second, and says how long to wait', () => {
  const bucket = new TokenBucket(20, 40);
  const user = new LocalUser(1, 'Pablo');
  const taken = Array.from({ length: 41 }, () => bucket.take(user, 1000));
  expect(taken.slice(0, 40)).toEqual(Array(40).fill(0));
  expect(taken[40]).toBe(50);
  expect(bucket.take(user, 1050)).toBe(0);
  expect(bucket.take(user, 1050)).toBe(50);
});

it('counts each user apart, and fills up to the burst and no more', () => {
  const bucket = new TokenBucket(20, 2);
  const [one, two] = [new LocalUser(1, 'a'), new LocalUser(2, 'b')];
  expect([bucket.take(one, 1), bucket.take(one, 1), bucket.take(two, 1)]).toEqual([0, 0, 0]);
  expect(bucket.take(one, 1)).toBeGreaterThan(0);
  expect([bucket.take(one, 1e6), bucket.take(one, 1e6)]).toEqual([0, 0]);
  expect(bucket.take(one, 1e6)).toBeGreaterThan(0);
});

it('lets everything through at rate 0', () => {
  const bucket = new TokenBucket(0, 1);
  const user = new LocalUser(1, 'Pablo');
  expect(Array.from({ length: 100 }, () => bucket.take(user, 1))).toEqual(Array(100).fill(0));
});
