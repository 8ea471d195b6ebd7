import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Window } from './window.ts';

function collect(lengthMs: number) {
  const published: number[] = [];
  return { published, window: new Window<number>(lengthMs, (item) => published.push(item)) };
}

it('publishes the first after a quiet time at once, with the others of its turn', () => {
  const { published, window } = collect(10_000);
  window.push(1);
  window.push(2);
  expect(published).toEqual([1, 2]);
});

it('gathers what follows until the window ends, in order', async () => {
  const { published, window } = collect(30);
  window.push(1);
  await nextTurn();
  await nextTurn();
  window.push(2);
  await nextTurn();
  window.push(3);
  expect(published).toEqual([1]);
  await sleep(200);
  expect(published).toEqual([1, 2, 3]);
  window.push(4);
  expect(published).toEqual([1, 2, 3, 4]);
});

it('publishes what waits when told to', async () => {
  const { published, window } = collect(60_000);
  window.push(1);
  await nextTurn();
  await nextTurn();
  window.push(2);
  window.flush();
  expect(published).toEqual([1, 2]);
});

it('gathers nothing with a length of 0', async () => {
  const { published, window } = collect(0);
  for (let item = 0; item < 5; item++) {
    window.push(item);
    await nextTurn();
  }
  expect(published).toEqual([0, 1, 2, 3, 4]);
});

it('is shorter while it gathers little, and of full length in a busy room', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { published, window } = collect(100);
  /** Milliseconds until all of these items, which come in turns of their own, are published. */
  const wait = async (...items: number[]) => {
    for (const item of items) {
      await vi.advanceTimersByTimeAsync(1);
      window.push(item);
    }
    for (let ms = 0; ; ms++) {
      if (published.includes(items.at(-1)!)) return ms;
      await vi.advanceTimersByTimeAsync(1);
    }
  };
  expect(await wait(1)).toBe(0);
  expect(await wait(2)).toBeGreaterThan(35);
  expect(await wait(3, 4, 5, 6, 7)).toBeLessThan(45);
  expect(await wait(8)).toBeGreaterThan(95);
  expect(await wait(9)).toBeLessThan(45);
});

it('counts what leaves at once too: a room of bursts has full windows', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const { published, window } = collect(100);
  const burst = () => {
    for (let item = 0; item < 5; item++) window.push(item);
  };
  burst();
  expect(published).toHaveLength(5);
  await vi.advanceTimersByTimeAsync(1);
  burst();
  await vi.advanceTimersByTimeAsync(90);
  expect(published).toHaveLength(5);
  await vi.advanceTimersByTimeAsync(11);
  expect(published).toHaveLength(10);
});
