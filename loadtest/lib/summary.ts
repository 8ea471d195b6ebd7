import { config } from './config.ts';
import { COUNTED, type Counted, TIMED, type Timed } from './metrics.ts';
import type { Load, ScenarioName } from './profiles.ts';
import { type Latency, type RunSummary, summaryText } from './summary-text.ts';

/** What k6 hands to handleSummary, as far as it is read here. */
interface K6Data {
  metrics: Record<
    string,
    { values: Record<string, number>; thresholds?: Record<string, { ok: boolean }> } | undefined
  >;
  state: { testRunDurationMs: number };
  setup_data?: unknown;
}

/** The script's handleSummary: prints the ledger and the times, and writes SUMMARY_FILE. */
export function summaryOf(scenario: ScenarioName, load: Load) {
  return (data: K6Data): Record<string, string> => {
    // The run was stopped in setup(), which has said why.
    if (data.setup_data === undefined) return {};
    const summary = summarize(scenario, load, data);
    const file = config.summaryFile ? { [config.summaryFile]: `${JSON.stringify(summary, null, 2)}\n` } : {};
    return { stdout: summaryText(summary), ...file };
  };
}

function summarize(scenario: ScenarioName, load: Load, { metrics, state }: K6Data): RunSummary {
  const counts = Object.fromEntries(
    COUNTED.map((name) => [name, metrics[`chat_${name}`]?.values.count ?? 0]),
  ) as Record<Counted, number>;
  const latencies: Partial<Record<Timed, Latency>> = {};
  for (const [name, metric] of Object.entries(TIMED) as [Timed, string][]) {
    const latency = latencyOf(metrics[metric]?.values);
    if (latency) latencies[name] = latency;
  }
  const thresholds = Object.entries(metrics).flatMap(([metric, entry]) =>
    Object.entries(entry?.thresholds ?? {}).map(([rule, { ok }]) => ({ metric, rule, ok })),
  );
  return {
    scenario,
    profile: config.profile,
    target: config.baseUrl,
    load,
    messageBytes: config.messageBytes,
    seconds: Math.round(state.testRunDurationMs / 100) / 10,
    endedAt: new Date().toISOString(),
    passed: thresholds.every(({ ok }) => ok),
    counts,
    latencies,
    thresholds,
  };
}

function latencyOf(values: Record<string, number> | undefined): Latency | undefined {
  if (!values?.count) return undefined;
  const { count, min, avg, med, max } = values as Record<'count' | 'min' | 'avg' | 'med' | 'max', number>;
  return { count, min, avg, p50: med, p95: values['p(95)']!, p99: values['p(99)']!, max };
}
