import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Fanout } from '../fanout.ts';
import { Announcer } from './announcer.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** How often sockets are told within 20 s in which somebody comes each 100 ms. */
function toldTo(sockets: number): number {
  const publish = vi.fn(() => sockets);
  const announcer = new Announcer({ publish } as unknown as Fanout);
  for (let passed = 0; passed < 20_000; passed += 100) {
    announcer.tell({ id: 1, username: 'ann' }, true);
    vi.advanceTimersByTime(100);
  }
  announcer.stop();
  return publish.mock.calls.length;
}

// The first time at once.
it.each([
  [1, 1 + 20],
  [2500, 1 + 20],
  [5000, 1 + 10],
  [12_500, 1 + 4],
  [50_000, 1 + 4],
])('tells %i sockets %i times in 20 s', (sockets, times) => {
  expect(toldTo(sockets)).toBe(times);
});
