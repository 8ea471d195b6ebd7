import type { Counted } from '../lib/metrics.ts';
import type { Second } from './timeline.ts';

/**
 * How often something happened a second, from the first time to the last: measured, and not what was offered.
 *
 * @param most what comes after so many is left out
 * @returns 0 when it never happened
 */
export function throughput(seconds: readonly Second[], name: Counted, most = Infinity): number {
  const counted: { at: number; count: number }[] = [];
  let sum = 0;
  for (const { at, counts } of seconds) {
    const count = counts.get(name) ?? 0;
    if (count === 0 || sum >= most) continue;
    counted.push({ at, count });
    sum += count;
  }
  const [first, last] = [counted[0], counted.at(-1)];
  if (!first || !last) return 0;
  const between = sum - first.count - last.count;
  // It began and ended amid a second: those are left out where there are others.
  return between > 0 ? between / (last.at - first.at - 1) : sum / (last.at - first.at + 1);
}
