import { describe, expect, it } from 'vitest';
import { reconnectDelay } from './reconnect-delay.ts';

describe('reconnectDelay', () => {
  it('grows to at most 2 s and is spread', () => {
    for (let attempt = 1; attempt <= 1000; attempt++) {
      const delay = reconnectDelay(attempt);
      expect(delay).toBeGreaterThanOrEqual(50);
      expect(delay).toBeLessThanOrEqual(2000);
    }
    expect(new Set(Array.from({ length: 20 }, () => reconnectDelay(9))).size).toBeGreaterThan(10);
  });
});
