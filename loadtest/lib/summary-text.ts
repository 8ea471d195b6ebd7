import type { Counted, Timed } from './metrics.ts';
import type { Load, ProfileName, ScenarioName } from './profiles.ts';
import { subjectOf } from './subject.ts';

/** Milliseconds. */
export interface Latency {
  count: number;
  min: number;
  avg: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** What had to hold: a threshold of k6, or what k6 cannot judge. */
export interface Rule {
  metric: string;
  rule: string;
  ok: boolean;
}

/** What a run brought: summary.json. */
export interface RunSummary {
  scenario: ScenarioName;
  profile: ProfileName;
  target: string;
  load: Load;
  messageBytes: number;
  /** From the start of k6's work to its end, with setup. */
  seconds: number;
  endedAt: string;
  /** Every rule held. */
  passed: boolean;
  counts: Record<Counted, number>;
  /** What was not begun at its time, as k6 had too much under way. */
  dropped: number;
  latencies: Partial<Record<Timed, Latency>>;
  thresholds: Rule[];
}

export const TIME_NAMES: Record<Timed, string> = {
  same: 'send to receipt, same replica',
  across: 'send to receipt, across replicas',
  ack: 'send to acknowledgement',
  connect: 'upgrade to hello',
  resume: 'hello to resumed',
  page: 'page of history',
  login: 'login',
  lag: "k6's own delay",
};

/** k6 lags behind by more than this: what it times is its own slowness as well. */
export const LAG_LIMIT_MS = 20;

/** The summary as it is printed at the end of a run. */
export function summaryText(summary: RunSummary): string {
  const { scenario, profile, target, seconds, passed, latencies, thresholds } = summary;
  const lines = [
    '',
    `  ${scenario}, profile ${profile}, ${seconds} s against ${target}`,
    '',
    ...ledgerLines(summary).map((line) => `  ${line}`),
    '',
  ];
  const times = Object.entries(latencies) as [Timed, Latency][];
  if (times.length > 0) {
    lines.push(
      `  ${'milliseconds'.padEnd(34)}${['p50', 'p95', 'p99', 'max', 'count'].map((head) => head.padStart(10)).join('')}`,
    );
    for (const [name, { p50, p95, p99, max, count }] of times) {
      const figures = [...[p50, p95, p99, max].map(milliseconds), whole(count)];
      lines.push(`  ${TIME_NAMES[name].padEnd(34)}${figures.map((figure) => figure.padStart(10)).join('')}`);
    }
    lines.push('');
  }
  const { lag } = latencies;
  if (lag && lag.p95 > LAG_LIMIT_MS) {
    lines.push(
      `  k6 could not keep up (${milliseconds(lag.p95)} ms late at p95): the times above are partly its own.`,
      '',
    );
  }
  for (const { metric, rule, ok } of thresholds) if (!ok) lines.push(`  FAILED  ${metric} ${rule}`);
  lines.push(passed ? '  passed: every rule held' : '  failed', '');
  return lines.join('\n');
}

/** Everything that went wrong with a message. */
export function faultsOf({ missing, gaps, duplicates, disorder, unacked }: RunSummary['counts']): number {
  return missing + gaps + duplicates + disorder + unacked;
}

/** What a ledger holds beside its sums, where there was any. */
export const MORE: readonly (readonly [Counted, string])[] = [
  ['resumed', 'by resume'],
  ['refetched', 'read from history after a gap frame'],
  ['connected', 'connections'],
  ['connect_failed', 'failed connections'],
  ['cut', 'connections cut by the other side'],
  ['sent_away', 'asked to reconnect elsewhere'],
  ['new_replica', 'to replicas that are new'],
  ['refused', 'refused for now'],
];

/** The ledger in words: what was sent, what should have arrived, what did, and what went wrong. */
export function ledgerLines({ scenario, counts, seconds, dropped }: RunSummary): string[] {
  const { sent, expected, received, missing, gaps, duplicates, disorder, unacked } = counts;
  const subject = subjectOf(scenario);
  const perSecond = seconds > 0 ? ` (${whole(received / seconds)}/s over the whole run)` : '';
  const faults = [
    `missing ${whole(missing)}`,
    `gaps ${whole(gaps)}`,
    `duplicates ${whole(duplicates)}`,
    `out of order ${whole(disorder)}`,
    `unacknowledged ${whole(unacked)}`,
  ];
  const lines = [
    ...(scenario === 'login' ? [offered(counts, dropped)] : []),
    `${subject.sent.padEnd(23)}${whole(sent)}`,
    `${subject.due.padEnd(23)}${whole(expected)}`,
    `${subject.received.padEnd(23)}${whole(received)}${perSecond}`,
    faults.join(', '),
  ];
  const more = MORE.filter(([name]) => counts[name] > 0).map(
    ([name, words]) => `${whole(counts[name])} ${words}`,
  );
  if (more.length > 0) lines.push(more.join(', '));
  return lines;
}

/** Logins that were due by the rate, whatever became of them. */
function offered({ offered: begun }: RunSummary['counts'], dropped: number): string {
  const not = `, of which ${whole(dropped)} were not begun: too many were under way, the rate was not kept`;
  return `${'logins offered'.padEnd(23)}${whole(begun + dropped)}${dropped > 0 ? not : ''}`;
}

export function milliseconds(value: number): string {
  return value >= 100 ? whole(value) : value.toFixed(1);
}

/** 12,345 in every locale. */
export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
