import { whole } from '../lib/summary-text.ts';
import type { Figure } from './figures.ts';
import type { RunRecord } from './record.ts';

export interface Change {
  figure: Figure;
  before: number;
  /** Relative, 0.1 is 10 % more; undefined when it was 0 before. */
  change: number | undefined;
  /** `same` within what one run differs from the next by chance, and where there are few samples. */
  verdict: 'better' | 'worse' | 'same';
}

/** Two runs on one machine differ by so much without a reason. */
const NOISE = 0.1;
/** Differences below are none, whatever they are in percent. */
const NOISE_ABSOLUTE: Record<Exclude<Figure['unit'], ''>, number> = { '/s': 1, ms: 1, us: 0.5, MB: 2 };

/** Every figure that both runs have. Runs of different loads are shown side by side, and only losses are judged. */
export function compare(now: RunRecord, before: RunRecord): Change[] {
  const old = new Map(before.figures.map((figure) => [figure.key, figure]));
  const comparable = loadDifferences(now, before).length === 0;
  return now.figures.flatMap((figure) => {
    const earlier = old.get(figure.key);
    if (!earlier) return [];
    const { value } = earlier;
    if (figure.weak || earlier.weak || (!comparable && figure.key !== 'faults')) {
      return [{ figure, before: value, change: relative(value, figure.value), verdict: 'same' as const }];
    }
    return [
      { figure, before: value, change: relative(value, figure.value), verdict: verdictOn(figure, value) },
    ];
  });
}

/** What two runs that are compared did not do alike, or not in the same place: empty when they are the same. */
export function loadDifferences(now: RunRecord, before: RunRecord): string[] {
  const old = circumstances(before);
  return Object.entries(circumstances(now)).flatMap(([name, value]) =>
    String(old[name]) === String(value) ? [] : [`${name} ${String(old[name])} -> ${String(value)}`],
  );
}

/** The way of the sockets and not their addresses: the ports of a local cluster's replicas are others at each start. */
function circumstances({ load, messageBytes, way, target, k6, machine }: RunRecord): Record<string, unknown> {
  const { cpus, model, memoryBytes } = machine;
  const where = `${cpus} x ${model}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  return { ...load, 'message bytes': messageBytes, way, target, generator: k6, machine: where };
}

export function formatFigure(value: number, unit: Figure['unit']): string {
  const number = value >= 100 || Number.isInteger(value) ? whole(value) : value.toFixed(1);
  return unit === '' ? number : unit === '/s' ? `${number}/s` : `${number} ${unit}`;
}

export function formatChange({ change, before, figure }: Change): string {
  if (change === undefined) return figure.value === before ? '=' : 'new';
  const percent = Math.round(change * 100);
  return percent === 0 ? '=' : `${percent > 0 ? '+' : '-'}${Math.abs(percent)} %`;
}

function relative(before: number, now: number): number | undefined {
  return before === 0 ? undefined : now / before - 1;
}

function verdictOn({ value, better, unit }: Figure, before: number): Change['verdict'] {
  const difference = value - before;
  const change = relative(before, value);
  if (difference === 0) return 'same';
  // What was lost is counted, and not measured: chance has no part in it.
  if (unit !== '' && Math.abs(difference) <= NOISE_ABSOLUTE[unit]) return 'same';
  if (unit !== '' && change !== undefined && Math.abs(change) <= NOISE) return 'same';
  return difference < 0 === (better === 'lower') ? 'better' : 'worse';
}
