import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram, upperBound } from './histogram.ts';

/** A bucket reaches so much further than the one before. */
const WIDTH = 2 ** (1 / 8);

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

test('a quantile is the exact one or at most 9 % above it', () => {
  const times = fc.array(fc.double({ min: 0.1, max: 60_000, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
      const read = histogramOf(values).quantile(q)!;
      expect(read).toBeGreaterThanOrEqual(exact * (1 - 1e-6));
      expect(read).toBeLessThanOrEqual(exact * WIDTH * (1 + 1e-6));
    }),
  );
});

test('what is shorter than the first bucket, 0 and less included, counts as its end', () => {
  expect(histogramOf([0, -3, 0.05]).quantile(1)).toBe(upperBound(0));
});

test('one of nothing has no quantile', () => {
  expect(new Histogram().quantile(0.5)).toBeUndefined();
});

test('merging is the same as adding all values to one', () => {
  const one = histogramOf([1, 2, 300]);
  one.merge(histogramOf([2, 5000]));
  expect(one.buckets()).toEqual(histogramOf([1, 2, 2, 300, 5000]).buckets());
  expect(one.total).toBe(5);
});

test('its text reads back as the same histogram', () => {
  const histogram = histogramOf([0.01, 3, 3, 4000]);
  const read = Histogram.parse(histogram.toString());
  expect(read.buckets()).toEqual(histogram.buckets());
  expect(read.total).toBe(4);
  expect(Histogram.parse('').total).toBe(0);
});
