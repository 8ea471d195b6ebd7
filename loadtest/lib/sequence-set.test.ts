import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SequenceSet } from './sequence-set.ts';

test('it holds what was added, in any order and once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 })), (values) => {
      const set = new SequenceSet();
      const model = new Set<number>();
      for (const value of values) {
        expect(set.add(value)).toBe(!model.has(value));
        model.add(value);
      }
      for (let last = 0; last <= 61; last++) {
        const missing = Array.from({ length: last }, (_, index) => index + 1).filter(
          (value) => !model.has(value),
        );
        expect(set.missing(last)).toBe(missing.length);
      }
    }),
  );
});

test('excepted numbers are not missing, whether they are in or not', () => {
  const set = new SequenceSet();
  for (const value of [1, 2, 5]) set.add(value);
  expect(set.missing(5)).toBe(2);
  expect(set.missing(5, [3])).toBe(1);
  expect(set.missing(5, [2, 3, 4, 9])).toBe(0);
});
