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

it('lets who does not slow down get into debt, until that is a whole burst', () => {
  const bucket = new TokenBucket(10, 4);
  const holder = { tokens: 0, tokensAt: 0 };
  const charge = (now: number, cost = 1) => bucket.charge(holder, now, cost);
  expect([1, 1, 1, 1].map((now) => charge(now))).toEqual([0, 0, 0, 0]);
  expect([charge(1), charge(1), charge(1), charge(1)]).toEqual([100, 200, 300, 400]);
  expect(charge(1)).toBe(Number.POSITIVE_INFINITY);
  // Who waited for the debt to be paid goes on.
  expect(charge(701)).toBe(0);
  expect(charge(10_001, 4)).toBe(0);
  expect(charge(10_001, 9)).toBe(Number.POSITIVE_INFINITY);
});

it('knows when there is nothing to remember', () => {
  const bucket = new TokenBucket(10, 4);
  const holder = { tokens: 0, tokensAt: 0 };
  expect(bucket.isFull(holder, 1)).toBe(true);
  bucket.take(holder, 1);
  expect(bucket.isFull(holder, 50)).toBe(false);
  expect(bucket.isFull(holder, 101)).toBe(true);
});
