import type { Timed } from '../lib/metrics.ts';
import { type RunSummary, TIME_NAMES } from '../lib/summary-text.ts';
import type { ProcessFigures } from './record.ts';
import type { Second } from './timeline.ts';

/** A number by which two runs are compared. */
export interface Figure {
  key: string;
  label: string;
  unit: '' | '/s' | 'ms' | 'us' | 'MB';
  value: number;
  better: 'lower' | 'higher';
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

export function figuresOf(
  { counts, latencies }: RunSummary,
  processes: readonly ProcessFigures[],
  seconds: readonly Second[],
): Figure[] {
  const faults = counts.missing + counts.gaps + counts.duplicates + counts.disorder + counts.unacked;
  const figures: Figure[] = [
    { key: 'faults', label: 'lost, repeated or out of order', unit: '', value: faults, better: 'lower' },
    { key: 'rate', label: 'deliveries', unit: '/s', value: busyRate(seconds), better: 'higher' },
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
  if (counts.received > 0) {
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

/** Deliveries a second over the time in which there were any. */
function busyRate(seconds: readonly Second[]): number {
  const busy = seconds.filter(({ counts }) => (counts.get('received') ?? 0) > 0);
  const received = busy.reduce((sum, { counts }) => sum + counts.get('received')!, 0);
  return busy.length === 0 ? 0 : received / (busy.at(-1)!.at - busy[0]!.at + 1);
}
