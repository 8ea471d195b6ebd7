import { summaryText, whole } from '../lib/summary-text.ts';
import { type Change, formatChange, formatFigure } from './comparison.ts';
import type { ProcessFigures, RunRecord } from './record.ts';

/** What the report says, in short; also summary.txt. */
export function reportText(record: RunRecord, comparison: Comparison | undefined): string {
  return [
    summaryText(record),
    ...processLines(record.processes),
    ...comparisonLines(comparison, record),
  ].join('\n');
}

export interface Comparison {
  /** Directory of the other run. */
  name: string;
  changes: Change[];
  /** What was set differently. */
  differences: string[];
}

export function processLines(processes: readonly ProcessFigures[]): string[] {
  const hint = withoutCluster(processes)
    ? ['  no process of the cluster told its CPU and memory (METRICS_URLS)', '']
    : [];
  if (processes.length === 0) return hint;
  const lines = [
    `  ${'process'.padEnd(24)}${['CPU mean', 'CPU max', 'MB first', 'MB max', 'MB last'].map((head) => head.padStart(10)).join('')}`,
  ];
  for (const { name, cpuMean, cpuMax, residentFirst, residentMax, residentLast } of processes) {
    const figures = [
      ...[cpuMean, cpuMax].map((cpu) => `${Math.round(cpu * 100)} %`),
      ...[residentFirst, residentMax, residentLast].map((bytes) => whole(bytes / 1e6)),
    ];
    lines.push(`  ${name.padEnd(24)}${figures.map((figure) => figure.padStart(10)).join('')}`);
  }
  return [...lines, '', ...hint];
}

/** Nothing but the generator was looked at. */
export function withoutCluster(processes: readonly ProcessFigures[]): boolean {
  return processes.every(({ name }) => name === 'k6');
}

export function comparisonLines(comparison: Comparison | undefined, { interrupted }: RunRecord): string[] {
  if (interrupted) return ['  ended before its time: not compared with an earlier run', ''];
  if (!comparison) return ['  there is no earlier run of this scenario and profile to compare with', ''];
  const { name, changes, differences } = comparison;
  const lines = [`  compared with ${name}`];
  if (differences.length > 0) lines.push(`  another load: ${differences.join(', ')}`);
  for (const change of changes) {
    const { figure, before, verdict } = change;
    const values = `${formatFigure(before, figure.unit)} -> ${formatFigure(figure.value, figure.unit)}`;
    const word = verdict === 'same' ? '' : `  ${verdict}`;
    lines.push(
      `  ${figure.label.padEnd(42)}${values.padStart(28)}  ${formatChange(change).padStart(7)}${word}`,
    );
  }
  return [...lines, ''];
}
