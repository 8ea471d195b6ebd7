import type { Config } from '../lib/environment.ts';
import { Histogram, upperBound } from '../lib/histogram.ts';
import { COUNTED, type Counted, TIMED, type Timed } from '../lib/metrics.ts';
import type { Load, ScenarioName } from '../lib/profiles.ts';
import type { Latency, RunSummary } from '../lib/summary-text.ts';
import type { Second } from './timeline.ts';

interface Parts {
  scenario: ScenarioName;
  load: Load;
  config: Config;
  seconds: readonly Second[];
  /** Milliseconds since 1970. */
  startedAt: number;
  /** k6's exit code. */
  code: number;
}

/** What is known of a run whose k6 died before it could sum up: what its scripts had told by then, second by second. */
export function partialSummary({ scenario, load, config, seconds, startedAt, code }: Parts): RunSummary {
  const sum = (name: string) => seconds.reduce((total, { counts }) => total + (counts.get(name) ?? 0), 0);
  const end = seconds.length === 0 ? startedAt : (seconds.at(-1)!.at + 1) * 1000;
  return {
    scenario,
    profile: config.profile,
    target: config.baseUrl,
    load,
    messageBytes: config.messageBytes,
    seconds: Math.round((end - startedAt) / 100) / 10,
    endedAt: new Date(end).toISOString(),
    passed: false,
    counts: Object.fromEntries(COUNTED.map((name) => [name, sum(name)])) as Record<Counted, number>,
    dropped: 0,
    latencies: latenciesOf(seconds),
    thresholds: [{ metric: 'k6', rule: `ended with code ${code} before it had summed up`, ok: false }],
  };
}

function latenciesOf(seconds: readonly Second[]): RunSummary['latencies'] {
  const latencies: RunSummary['latencies'] = {};
  for (const name of Object.keys(TIMED) as Timed[]) {
    const all = new Histogram();
    for (const { times } of seconds) all.merge(times.get(name) ?? new Histogram());
    if (all.total > 0) latencies[name] = latencyOf(all);
  }
  return latencies;
}

/** By the upper ends of the buckets, so up to 9 % too much. */
function latencyOf(histogram: Histogram): Latency {
  const at = (q: number) => histogram.quantile(q)!;
  const count = histogram.total;
  const sum = histogram.buckets().reduce((all, [bucket, times]) => all + upperBound(bucket) * times, 0);
  return { count, min: at(0), avg: sum / count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
