import type { Timed } from '../lib/metrics.ts';
import { subjectOf } from '../lib/subject.ts';
import { faultsOf, type RunSummary, TIME_NAMES } from '../lib/summary-text.ts';
import type { ProcessFigures } from './record.ts';

/** A number by which two runs are compared. */
export interface Figure {
  key: string;
  label: string;
  unit: '' | '/s' | 'ms' | 'us' | 'MB';
  value: number;
  better: 'lower' | 'higher';
  /** It rests on so few samples that chance decides. */
  weak?: boolean;
}

/** Which quantiles of a time are compared. The generator's own delay says nothing about the cluster. */
const COMPARED: readonly Exclude<Timed, 'lag'>[] = [
  'same',
  'across',
  'ack',
  'connect',
  'resume',
  'page',
  'login',
];

/** Samples from which on a quantile is worth comparing. */
const ENOUGH = { p50: 100, p99: 2000 } as const;
/** In a shorter run it decides how the seconds at its ends fall. */
const ENOUGH_SECONDS = 20;
/** Below so many deliveries the replicas' CPU is mostly that of connecting and of doing nothing. */
const ENOUGH_DELIVERIES = 20_000;

/** @param rate what the scenario is about, a second */
export function figuresOf(
  { scenario, counts, latencies, load }: RunSummary,
  rate: number,
  processes: readonly ProcessFigures[],
): Figure[] {
  const faults = { key: 'faults', label: 'lost, repeated or out of order', value: faultsOf(counts) };
  const pace = { key: 'rate', label: subjectOf(scenario).rate.name, value: rate };
  const figures: Figure[] = [
    { ...faults, unit: '', better: 'lower' },
    { ...pace, unit: '/s', better: 'higher', weak: load.connectSeconds + load.holdSeconds < ENOUGH_SECONDS },
  ];
  for (const name of COMPARED) {
    const latency = latencies[name];
    if (!latency) continue;
    for (const quantile of ['p50', 'p99'] as const) {
      figures.push({
        key: `${name}.${quantile}`,
        label: `${TIME_NAMES[name]}, ${quantile}`,
        unit: 'ms',
        value: latency[quantile],
        better: 'lower',
        weak: latency.count < ENOUGH[quantile],
      });
    }
  }
  const replicas = processes.filter(({ replica }) => replica);
  if (replicas.length === 0) return figures;
  const resident = replicas.reduce((sum, { residentMax }) => sum + residentMax, 0);
  figures.push({
    key: 'memory',
    label: 'memory of the replicas',
    unit: 'MB',
    value: resident / 1e6,
    better: 'lower',
  });
  if (counts.received >= ENOUGH_DELIVERIES) {
    const cpu = replicas.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    const value = (cpu * 1e6) / counts.received;
    figures.push({
      key: 'cpu',
      label: 'CPU of the replicas per delivery',
      unit: 'us',
      value,
      better: 'lower',
    });
  }
  return figures;
}
