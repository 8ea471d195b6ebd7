import { describe, expect, it } from 'vitest';
import { formatMs, Latency, percentile, sparkline } from './latency.ts';

describe('percentile', () => {
  it('is undefined without samples', () => {
    expect(percentile([], 0.5)).toBeUndefined();
  });

  it('takes the nearest rank, whatever the order', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(samples, 0.5)).toBe(50);
    expect(percentile(samples, 0.99)).toBe(99);
    expect(percentile(samples, 1)).toBe(100);
    expect(percentile(samples, 0)).toBe(1);
  });

  it('is the one sample when there is one', () => {
    expect(percentile([7], 0.5)).toBe(7);
    expect(percentile([7], 0.99)).toBe(7);
  });
});

describe('Latency', () => {
  it('keeps the last samples only', () => {
    const latency = new Latency(3);
    for (const ms of [100, 1, 2, 3]) latency.add(ms);
    expect(latency.samples).toEqual([1, 2, 3]);
    expect(latency.percentile(0.99)).toBe(3);
  });
});

describe('formatMs', () => {
  it('shows three figures at most', () => {
    expect([undefined, 0.44, 9.96, 12.4, 999.4, 1234, 123_456].map(formatMs)).toEqual([
      '–',
      '0.4 ms',
      '10.0 ms',
      '12 ms',
      '999 ms',
      '1.2 s',
      '123 s',
    ]);
  });
});

describe('sparkline', () => {
  it('draws the newest sample at the right edge and the highest at the top', () => {
    expect(sparkline([2, 4], 30, 10, 4)).toBe('20,5 30,0');
  });

  it('draws nothing without samples', () => {
    expect(sparkline([], 30, 10, 4)).toBe('');
  });
});
