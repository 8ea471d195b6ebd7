import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linearScale, logScale, rangeScale } from './scale.ts';

const positive = fc.double({ min: 0.01, max: 1e6, noNaN: true });

test('a linear scale begins at 0, reaches its greatest value, and has few labels', () => {
  fc.assert(
    fc.property(positive, (max) => {
      const { ticks, position } = linearScale(max, 0, 100);
      expect(ticks[0]).toBe(0);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * 0.999);
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(position(max)).toBeLessThanOrEqual(100.1);
    }),
  );
  expect(linearScale(0, 0, 100).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(linearScale(47, 0, 100).ticks).toEqual([0, 10, 20, 30, 40, 50]);
});

test('a scale of a range has its ends at the ends, and round labels inside', () => {
  const { ticks, position } = rangeScale(3, 63, 0, 100);
  expect(position(3)).toBe(0);
  expect(position(63)).toBe(100);
  expect(ticks).toEqual([10, 20, 30, 40, 50, 60]);
});

test('a logarithmic scale holds its values between its ends', () => {
  fc.assert(
    fc.property(positive, positive, (a, b) => {
      const [min, max] = [Math.min(a, b), Math.max(a, b)];
      const { position, ticks } = logScale(min, max, 0, 100);
      expect(position(min)).toBeGreaterThanOrEqual(-1e-9);
      expect(position(max)).toBeLessThanOrEqual(100 + 1e-9);
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThanOrEqual(9);
    }),
  );
  expect(logScale(2, 90, 0, 100).ticks).toEqual([2, 5, 10, 20, 50, 100]);
});
