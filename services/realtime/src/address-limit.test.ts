import { expect, it } from 'vitest';
import { AddressLimit } from './address-limit.ts';

it('counts each address apart', () => {
  const limit = new AddressLimit(1, 2);
  expect(['a', 'a', 'b'].map((address) => limit.take(address, 1000))).toEqual([0, 0, 0]);
  expect(limit.take('a', 1000)).toBe(1000);
  expect(limit.take('b', 1000)).toBe(0);
  expect(limit.take('a', 2000)).toBe(0);
});

it('remembers so many addresses and no more, the latest of them', () => {
  const limit = new AddressLimit(1, 1);
  for (let n = 0; n < 25_000; n++) limit.take(`a${n}`, 1000);
  expect(limit.size).toBeLessThanOrEqual(10_000);
  expect(limit.take('a24999', 1000)).toBe(1000);
});

it('forgets first those that were quiet for long', () => {
  const limit = new AddressLimit(1, 1);
  limit.take('busy', 1000);
  for (let n = 0; n < 9999; n++) limit.take(`a${n}`, 1);
  limit.take('busy', 2500);
  limit.take('new', 2600);
  expect(limit.size).toBe(2);
  expect(limit.take('busy', 2600)).toBeGreaterThan(0);
});

it('lets everything through at rate 0', () => {
  const limit = new AddressLimit(0, 1);
  for (let n = 0; n < 100; n++) expect(limit.take('a', 1000)).toBe(0);
});
