import { describe, expect, it } from 'vitest';
import { toShed } from './rebalancer.ts';

describe('toShed', () => {
  it('sheds nothing alone, at the share, below it, or near it', () => {
    expect(toShed(1000, [], false)).toBe(0);
    expect(toShed(500, [500, 500], false)).toBe(0);
    expect(toShed(100, [500, 500], false)).toBe(0);
    expect(toShed(540, [500, 500], false)).toBe(0);
  });

  it('sheds a part of the surplus when a new server is empty', () => {
    expect(toShed(1000, [0], false)).toBe(100);
    expect(toShed(1000, [1000, 0], false)).toBe(66);
  });

  it('also when many have little more than their share each', () => {
    expect(toShed(1000, [...Array<number>(10).fill(1000), 0], false)).toBe(16);
    expect(toShed(1000, [...Array<number>(10).fill(1000), 950], false)).toBe(0);
  });

  it('goes on until the share is nearly reached', () => {
    expect(toShed(540, [500, 500], true)).toBeGreaterThan(0);
    expect(toShed(510, [500, 500], true)).toBe(0);
  });

  it('leaves a few sockets alone', () => {
    expect(toShed(8, [0], false)).toBe(0);
  });

  it.each([
    [2, 60],
    [3, 60],
    [4, 60],
    [12, 180],
  ])(
    'brings %i servers within a tenth of the mean in %i s, wherever the shed sockets land',
    (servers, seconds) => {
      // The worst case of a balancer that does not count: every socket lands anywhere, also where it came from.
      let random = 1;
      const next = () => {
        random = (random * 48271) % 2147483647;
        return random / 2147483647;
      };
      const counts = [3000, ...Array<number>(servers - 1).fill(servers === 2 ? 0 : 3000)];
      counts[servers - 1] = 0;
      const shedding = Array<boolean>(servers).fill(false);
      for (let second = 0; second < seconds; second++) {
        const seen = [...counts];
        for (const [index, own] of seen.entries()) {
          const count = toShed(
            own,
            seen.filter((_, other) => other !== index),
            shedding[index]!,
          );
          shedding[index] = count > 0;
          counts[index]! -= count;
          for (let shed = 0; shed < count; shed++) counts[Math.floor(next() * servers)]!++;
        }
      }
      const mean = counts.reduce((sum, count) => sum + count) / servers;
      for (const count of counts) expect(Math.abs(count - mean) / mean).toBeLessThan(0.1);
    },
  );
});
