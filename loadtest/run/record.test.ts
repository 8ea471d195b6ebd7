import { expect, test } from 'vitest';
import { COUNTED, type Counted } from '../lib/metrics.ts';
import { loadOf, type ScenarioName } from '../lib/profiles.ts';
import type { RunSummary } from '../lib/summary-text.ts';
import { byUrl } from './monitor.ts';
import { recordOf } from './record.ts';
import { reportHtml } from './report/report.ts';
import type { Second } from './timeline.ts';

const START = 1_764_000_000;

function summaryOf(scenario: ScenarioName, counts: Partial<Record<Counted, number>>): RunSummary {
  const none = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>;
  return {
    ...{ scenario, profile: 'smoke', target: 'http://127.0.0.1:8080', load: loadOf(scenario, 'smoke') },
    ...{ messageBytes: 120, seconds: 60, endedAt: new Date(START * 1000).toISOString(), passed: true },
    ...{ counts: { ...none, ...counts }, latencies: {}, thresholds: [], dropped: 0 },
  };
}

function record(summary: RunSummary, { seconds = [] as Second[], histories = [] as never[] } = {}) {
  const parts = {
    k6: 'k6 v1.8.1',
    sockets: 'ws://127.0.0.1:8081',
    way: 'sockets',
    interrupted: false,
  } as const;
  return recordOf({ summary, startedAt: START * 1000, ...parts, histories, seconds });
}

function each(name: string, counts: number[]): Second[] {
  return counts.map((count, index) => ({
    ...{ at: START + index, sockets: 0, counts: new Map([[name, count]]), times: new Map() },
  }));
}

test('upgrades a second are those that were made, in the time that they took', () => {
  const { load } = summaryOf('connect', {});
  expect(load.connectSeconds).toBe(1);
  const summary = summaryOf('connect', { connected: 61 });
  const { figures, rate } = record(summary, { seconds: each('connected', [5, 10, 10, 10, 10, 10, 6]) });
  expect(rate).toBe(10);
  expect(figures.find(({ key }) => key === 'rate')).toMatchObject({ label: 'upgrades', value: 10 });
});

test('deliveries a second are those that came, also after the last was sent', () => {
  const summary = summaryOf('fanout', { received: 120 });
  const seconds = each('received', [10, 20, 20, 20, 20, 20, 10]);
  expect(summary.load.holdSeconds).toBe(4);
  expect(record(summary, { seconds }).rate).toBe(20);
  expect(reportHtml({ ...parts(summary, seconds) })).toContain('<dt>deliveries a second</dt><dd>20</dd>');
});

test('a message that was never acknowledged is one that is lost, in the figures and in the picture', () => {
  const summary = summaryOf('fanout', { unacked: 1 });
  expect(record(summary).figures[0]).toMatchObject({ key: 'faults', value: 1 });
  expect(reportHtml(parts(summary))).toContain('<div class="wrong"><dt>lost or repeated</dt><dd>1</dd>');
});

test('a replica is known by its sockets, whatever its address is called', () => {
  const samples = [{ at: START * 1000 + 1000, cpu: 0.5, residentBytes: 50e6, sockets: 3 }];
  const { name } = byUrl('http://10.0.0.1:3000');
  const histories = [{ name, samples, since: START * 1000, cpuSeconds: 0.5 }] as never[];
  const { figures } = record(summaryOf('fanout', { received: 50_000 }), { histories });
  expect(figures.map(({ key, value }) => [key, value])).toEqual([
    ['faults', 0],
    ['rate', 0],
    ['memory', 50],
    ['cpu', 10],
  ]);
});

function parts(summary: RunSummary, seconds: Second[] = []) {
  const startedAt = START * 1000;
  return { record: record(summary, { seconds }), comparison: undefined, histories: [], seconds, startedAt };
}
