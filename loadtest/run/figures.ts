import type { Timed } from '../lib/metrics.ts';
import { type RunSummary, TIME_NAMES } from '../lib/summary-text.ts';
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
/** Below so many deliveries the replicas' CPU is mostly that of connecting and of doing nothing. */
const ENOUGH_DELIVERIES = 20_000;

export function figuresOf(
  { scenario, counts, latencies, load }: RunSummary,
  processes: readonly ProcessFigures[],
): Figure[] {
  const faults = counts.missing + counts.gaps + counts.duplicates + counts.disorder + counts.unacked;
  const rate = counts.received / load.holdSeconds;
  const figures: Figure[] = [
    { key: 'faults', label: 'lost, repeated or out of order', unit: '', value: faults, better: 'lower' },
    {
      key: 'rate',
      label: scenario === 'login' ? 'logins' : 'deliveries',
      unit: '/s',
      value: rate,
      better: 'higher',
    },
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
  const replicas = processes.filter(({ name }) => name.startsWith('realtime'));
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
