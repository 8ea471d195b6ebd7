import { expect, test } from 'vitest';
import { throughput } from './throughput.ts';
import type { Second } from './timeline.ts';

/** Seconds from 100 on, each with so many. */
function seconds(name: string, counts: number[]): Second[] {
  return counts.map((count, index) => ({
    at: 100 + index,
    sockets: 0,
    counts: new Map(count === 0 ? [] : [[name, count]]),
    times: new Map(),
  }));
}

test('it is that of the seconds in which something came, whatever the run was meant to take', () => {
  expect(throughput(seconds('received', [0, 0, 3, 10, 10, 10, 10, 4, 0, 0]), 'received')).toBe(10);
});

test('what comes late makes it less', () => {
  expect(throughput(seconds('received', [5, 20, 20, 0, 0, 0, 20, 5]), 'received')).toBe(10);
});

test('of few seconds all count, though the first and the last are not whole', () => {
  expect(throughput(seconds('received', [0, 6, 2]), 'received')).toBe(4);
  expect(throughput(seconds('received', [6]), 'received')).toBe(6);
});

test('nothing is none a second', () => {
  expect(throughput([], 'received')).toBe(0);
  expect(throughput(seconds('received', [0, 0]), 'received')).toBe(0);
});

test('those who come back later do not stretch the time in which all had connected', () => {
  const counts = [50, 100, 100, 50, 0, 0, 0, 0, 0, 0, 7, 0, 2];
  expect(throughput(seconds('connected', counts), 'connected', 300)).toBe(100);
});
