import { expect, test } from 'vitest';
import { Pace } from './pace.ts';
import { atRandom, turnsOf } from './schedule.ts';

test('a steady pace spreads evenly', () => {
  const pace = new Pace({ rate: 4, curve: [1], holdSeconds: 10 });
  expect(pace.secondsUntil(1)).toBe(0.25);
  expect(pace.secondsUntil(40)).toBe(10);
  expect(pace.secondsUntil(41)).toBeUndefined();
});

test('each factor holds for an equal part of the time', () => {
  const pace = new Pace({ rate: 10, curve: [0.1, 1, 0], holdSeconds: 30 });
  expect(pace.secondsUntil(10)).toBe(10);
  expect(pace.secondsUntil(60)).toBe(15);
  expect(pace.secondsUntil(110)).toBe(20);
  expect(pace.secondsUntil(111)).toBeUndefined();
});

test('senders that share a pace take turns, and none is left out or doubled', () => {
  const pace = new Pace({ rate: 5, curve: [1], holdSeconds: 4 });
  const times = [0, 1, 2].flatMap((sender) => [...turnsOf(pace, 1000, sender, 3)]).sort((a, b) => a - b);
  expect(times).toEqual(Array.from({ length: 20 }, (_, index) => 1000 + (index + 1) * 200));
});

test('at random it happens about as often as the pace says, within its time', () => {
  const pace = new Pace({ rate: 100, curve: [1], holdSeconds: 100 });
  const times = [...atRandom(pace, 0)];
  // 10,000 expected; ten standard deviations are 1,000.
  expect(Math.abs(times.length - 10_000)).toBeLessThan(1000);
  expect(Math.max(...times)).toBeLessThanOrEqual(100_000);
});

test('nothing happens at the rate 0', () => {
  expect([...atRandom(new Pace({ rate: 0, curve: [1], holdSeconds: 10 }), 0)]).toEqual([]);
});
