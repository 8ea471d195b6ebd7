import { createLogger, createMetrics } from '@chat/kit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RealtimeMetrics } from './metrics.ts';
import { Rebalancer, toShed } from './rebalancer.ts';
import type { WsPeer } from './ws-peer.ts';

const SECOND_MS = 1000;

describe('a replica to which many come at once', () => {
  const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'rebalancer-test' }));
  const peers = new Set<WsPeer>();
  let rebalancer: Rebalancer;
  let leaving: number;

  beforeEach(() => {
    vi.useFakeTimers();
    peers.clear();
    leaving = 0;
    const logger = createLogger({ name: 'test', level: 'silent' });
    rebalancer = new Rebalancer({ peers, metrics, logger, enabled: () => true });
    rebalancer.start();
  });
  afterEach(() => {
    rebalancer.stop();
    vi.useRealTimers();
  });

  function come(count: number): void {
    for (let n = 0; n < count; n++) {
      peers.add({ cork: (run: () => void) => run(), send: () => leaving++, end: () => undefined } as never);
    }
  }

  const othersSay = (sockets: number) => {
    for (const id of ['b', 'c']) rebalancer.heard(id, { sockets });
  };

  it('sends nobody away while the others have not said how many came to them', () => {
    othersSay(0);
    come(30);
    vi.advanceTimersByTime(SECOND_MS);
    othersSay(30);
    vi.advanceTimersByTime(SECOND_MS);
    expect(leaving).toBe(0);
  });

  it('sends some away when the others have fewer still', () => {
    othersSay(0);
    come(30);
    vi.advanceTimersByTime(SECOND_MS);
    othersSay(0);
    vi.advanceTimersByTime(SECOND_MS);
    expect(leaving).toBe(4);
  });
});

describe('a replica whose clients come back to it', () => {
  const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'rebalancer-test' }));
  const peers = new Set<WsPeer>();
  let rebalancer: Rebalancer;
  let asked: number;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = 0;
    peers.clear();
    for (let n = 0; n < 60; n++) {
      peers.add({ cork: (run: () => void) => run(), send: () => asked++, end: () => undefined } as never);
    }
    const logger = createLogger({ name: 'test', level: 'silent' });
    rebalancer = new Rebalancer({ peers, metrics, logger, enabled: () => true });
    rebalancer.start();
  });
  afterEach(() => {
    rebalancer.stop();
    vi.useRealTimers();
  });

  /** So long another replica says each second how many sockets it has. */
  function say(seconds: number, sockets: (second: number) => number): void {
    for (let second = 0; second < seconds; second++) {
      rebalancer.heard('b', { sockets: sockets(second) });
      vi.advanceTimersByTime(SECOND_MS);
    }
  }

  it('stops sending them to one at which none arrive, and tries again more and more rarely', () => {
    say(600, () => 0);
    const first = asked;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(300);
    say(3600, () => 0);
    expect(asked - first).toBeLessThan(300);
  });

  it('counts on that one again as soon as it gets some', () => {
    say(60, () => 0);
    const before = asked;
    say(3, () => 2);
    expect(asked).toBeGreaterThan(before);
  });

  it('goes on while the other one gets some of them', () => {
    say(20, (second) => second);
    expect(asked).toBeGreaterThan(60);
  });
});

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
