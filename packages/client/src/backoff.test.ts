import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

test('delays are drawn from 0 to a bound that doubles up to the longest', () => {
  for (const share of [0, 0.5, 0.999]) {
    const backoff = new Backoff({ minMs: 250, maxMs: 15_000, random: () => share });
    const bounds = [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000];
    expect(bounds.map(() => backoff.next())).toEqual(bounds.map((bound) => bound * share));
  }
});

test('real chance stays within the bounds and uses all of them', () => {
  const delays = Array.from({ length: 2000 }, () =>
    new Backoff({ minMs: 100, maxMs: 100, random: Math.random }).next(),
  );
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...delays)).toBeLessThan(100);
  for (const low of [0, 25, 50, 75]) {
    expect(delays.some((delay) => delay >= low && delay < low + 25)).toBe(true);
  }
});

test('reset starts with the first bound again', () => {
  const backoff = new Backoff({ minMs: 10, maxMs: 1000, random: () => 0.5 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(5);
});

test('a long delay is at least half of the longest', () => {
  expect(new Backoff({ minMs: 1, maxMs: 100, random: () => 0 }).long()).toBe(50);
  expect(new Backoff({ minMs: 1, maxMs: 100, random: () => 0.5 }).long()).toBe(75);
});
