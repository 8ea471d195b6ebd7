import type { Config } from './environment.ts';
import { COUNTED, type Counted, TIMED, type Timed } from './metrics.ts';
import type { Load, ScenarioName } from './profiles.ts';
import { subjectOf } from './subject.ts';
import { type Latency, type Rule, type RunSummary, whole } from './summary-text.ts';

/** What k6 hands to handleSummary, as far as it is read here. */
export interface K6Data {
  metrics: Record<
    string,
    { values: Record<string, number>; thresholds?: Record<string, { ok: boolean }> } | undefined
  >;
  state: { testRunDurationMs: number };
  setup_data?: unknown;
}

/** What k6's figures say about a run. */
export function summarize(
  scenario: ScenarioName,
  load: Load,
  { profile, baseUrl, messageBytes }: Pick<Config, 'profile' | 'baseUrl' | 'messageBytes'>,
  { metrics, state }: K6Data,
): RunSummary {
  const counts = Object.fromEntries(
    COUNTED.map((name) => [name, metrics[`chat_${name}`]?.values.count ?? 0]),
  ) as Record<Counted, number>;
  const latencies: Partial<Record<Timed, Latency>> = {};
  for (const [name, metric] of Object.entries(TIMED) as [Timed, string][]) {
    const latency = latencyOf(metrics[metric]?.values);
    if (latency) latencies[name] = latency;
  }
  const thresholds = Object.entries(metrics).flatMap(([metric, entry]) =>
    Object.entries(entry?.thresholds ?? {}).map(([rule, { ok }]): Rule => ({ metric, rule, ok })),
  );
  thresholds.push(allReceived(scenario, counts));
  return {
    scenario,
    profile,
    target: baseUrl,
    load,
    messageBytes,
    seconds: Math.round(state.testRunDurationMs / 100) / 10,
    endedAt: new Date().toISOString(),
    passed: thresholds.every(({ ok }) => ok),
    counts,
    dropped: metrics.dropped_iterations?.values.count ?? 0,
    latencies,
    thresholds,
  };
}

/**
 * The sum of the ledger, which no threshold of k6 can compare. It sees what no receiver misses: a message that its
 * sender gave up, and that was acknowledged after all.
 */
function allReceived(scenario: ScenarioName, { received, expected }: RunSummary['counts']): Rule {
  const subject = subjectOf(scenario);
  return {
    metric: subject.received,
    rule: `${whole(received)} of ${whole(expected)}`,
    ok: received === expected,
  };
}

function latencyOf(values: Record<string, number> | undefined): Latency | undefined {
  if (!values?.count) return undefined;
  const { count, min, avg, med, max } = values as Record<'count' | 'min' | 'avg' | 'med' | 'max', number>;
  return { count, min, avg, p50: med, p95: values['p(95)']!, p99: values['p(99)']!, max };
}
