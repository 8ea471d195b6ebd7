import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';
import { parseTimelineLine, timelineLine } from './timeline-line.ts';

test('a line reads back as it was, out of a line of the log of k6', () => {
  const same = new Histogram();
  for (const ms of [1, 1, 70]) same.add(ms);
  const line = timelineLine({
    at: 1795491416948,
    vu: 12,
    sockets: 10,
    counts: new Map([
      ['received', 120],
      ['sent_away', 3],
      ['gaps', 0],
    ]),
    times: new Map([['same', same]]),
  });
  const entry = parseTimelineLine(`time="2026-11-24T03:40:24Z" level=info msg="${line}"`);
  expect(entry).toMatchObject({ at: 1795491416948, vu: 12, sockets: 10 });
  expect([...entry!.counts]).toEqual([
    ['received', 120],
    ['sent_away', 3],
  ]);
  expect(entry!.times.get('same')!.buckets()).toEqual(same.buckets());
});

test('other lines are none', () => {
  for (const line of ['', 'client 3: the server answered rate_limited', 'timeline of events']) {
    expect(parseTimelineLine(line)).toBeUndefined();
  }
});
