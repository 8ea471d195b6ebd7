import { Histogram, upperBound } from '../../lib/histogram.ts';
import type { Subject } from '../../lib/subject.ts';
import { milliseconds, TIME_NAMES, whole } from '../../lib/summary-text.ts';
import type { ProcessHistory } from '../monitor.ts';
import type { Second } from '../timeline.ts';
import type { Chart, Series } from './chart.ts';

/** What the charts are drawn from. */
export interface Measured {
  seconds: readonly Second[];
  histories: readonly ProcessHistory[];
  /** Milliseconds since 1970. */
  startedAt: number;
  subject: Subject;
}

/** More points than this make a line no clearer. */
const MAX_POINTS = 150;
const QUANTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const;

/** All pictures of a report, those that say most first. */
export function chartsOf(measured: Measured): Chart[] {
  return [
    distribution(measured),
    percentiles(measured),
    rates(measured),
    ...(measured.seconds.some((second) => second.sockets > 0) ? [sockets(measured)] : []),
    cpu(measured),
    memory(measured),
  ];
}

/** The share of all that took so long, for each kind of hop. */
function distribution({ seconds, subject }: Measured): Chart {
  const series = subject.times.map((name): Series => {
    const sum = merge(seconds.map(({ times }) => times.get(name)));
    return { name: TIME_NAMES[name], points: sum ? shares(sum) : [] };
  });
  return {
    title: `Latency distribution: ${subject.of}`,
    note: 'Share of all by the time that they took; the scale is logarithmic.',
    series,
    x: { label: 'milliseconds', log: true, format: shortNumber },
    y: { label: '%', format: (value) => `${shortNumber(value)} %` },
    ...{ area: true, steps: true },
  };
}

/** Percent for each bucket; the ones in between that have nothing are 0. */
function shares(histogram: Histogram): [number, number][] {
  const buckets = histogram.buckets();
  const counts = new Map(buckets);
  const first = buckets[0]![0];
  const last = buckets.at(-1)![0];
  const points: [number, number][] = [];
  for (let bucket = first; bucket <= last; bucket++) {
    points.push([upperBound(bucket - 1), ((counts.get(bucket) ?? 0) * 100) / histogram.total]);
  }
  points.push([upperBound(last), 0]);
  return points;
}

function percentiles(measured: Measured): Chart {
  const { seconds, startedAt, subject } = measured;
  const slots = slotsOf(seconds, startedAt);
  const series = QUANTILES.map(
    ([name, q]): Series => ({
      name,
      points: slots.map(({ t, seconds: some }) => [
        t,
        merge(some.flatMap(({ times }) => subject.times.map((each) => times.get(each))))?.quantile(q),
      ]),
    }),
  );
  return {
    title: `Latency over time: ${subject.of}`,
    note: 'Each point is the percentile of its own moment; the scale is logarithmic.',
    series,
    x: timeAxis(measured),
    y: { label: 'ms', log: true, format: (value) => `${shortNumber(value)} ms` },
  };
}

function rates(measured: Measured): Chart {
  const { seconds, startedAt, subject } = measured;
  const slots = slotsOf(seconds, startedAt);
  const rate = (name: string): Series['points'] =>
    slots.map(({ t, seconds: some, width }) => [
      t,
      some.reduce((sum, { counts }) => sum + (counts.get(name) ?? 0), 0) / width,
    ]);
  const { name, counted, due } = subject.rate;
  return {
    title: `${name[0]!.toUpperCase()}${name.slice(1)} a second`,
    series: [
      { name: due ? 'received' : name, points: rate(counted) },
      ...(due ? [{ name: 'due', points: rate(due), dashed: true }] : []),
    ],
    x: timeAxis(measured),
    y: { label: '/s', format: (value) => `${whole(value)}/s` },
    area: true,
  };
}

/** Those of the clients, and those that each replica says it has. */
function sockets(measured: Measured): Chart {
  const { seconds, histories, startedAt } = measured;
  const slots = slotsOf(seconds, startedAt);
  const replicas = histories.flatMap((history): Series[] => {
    const counted = history.samples.some(({ sockets: open }) => open !== undefined);
    return counted
      ? [{ name: history.name, points: samplesOf(history, startedAt, ({ sockets: open }) => open) }]
      : [];
  });
  const clients = {
    name: 'clients of this run',
    points: slots.map(({ t, seconds: some }) => [t, some.at(-1)!.sockets] as const),
  };
  return {
    title: 'Open sockets',
    // The replicas first: each keeps the colour that it has in the other pictures.
    series: [...replicas, { ...clients, dashed: true }],
    x: timeAxis(measured),
    y: { label: 'sockets', format: whole },
  };
}

function cpu(measured: Measured): Chart {
  const { histories, startedAt } = measured;
  return {
    title: 'CPU of each process',
    note: '100 % is one core.',
    series: histories.map((history) => ({
      name: history.name,
      points: samplesOf(history, startedAt, (sample) => sample.cpu * 100),
      dashed: history.name === 'k6',
    })),
    x: timeAxis(measured),
    y: { label: '%', format: (value) => `${whole(value)} %`, atLeast: 10 },
  };
}

function memory(measured: Measured): Chart {
  const { histories, startedAt } = measured;
  return {
    title: 'Memory of each process',
    note: 'Resident; that of k6 is in the table.',
    series: histories
      .filter(({ name }) => name !== 'k6')
      .map((history) => ({
        name: history.name,
        points: samplesOf(history, startedAt, ({ residentBytes }) => residentBytes / 1e6),
      })),
    x: timeAxis(measured),
    y: { label: 'MB', format: (value) => `${whole(value)} MB` },
  };
}

/** The same for all pictures, from the start of the run to the last sample, so that they can be read side by side. */
function timeAxis({ seconds, histories, startedAt }: Measured): Chart['x'] {
  const start = Math.floor(startedAt / 1000);
  const ends = histories.map(({ samples }) => (samples.at(-1)!.at - startedAt) / 1000);
  const end = Math.max(1, (seconds.at(-1)?.at ?? start) - start, ...ends);
  return { label: 'seconds since the start', format: whole, range: [0, end] };
}

/** A process's samples, at most {@link MAX_POINTS}: the mean of each stretch. */
function samplesOf(
  { samples }: ProcessHistory,
  startedAt: number,
  read: (sample: ProcessHistory['samples'][number]) => number | undefined,
): [number, number | undefined][] {
  const width = Math.ceil(samples.length / MAX_POINTS);
  const points: [number, number | undefined][] = [];
  for (let start = 0; start < samples.length; start += width) {
    const some = samples.slice(start, start + width);
    const values = some.map(read).filter((value) => value !== undefined);
    const mean =
      values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
    points.push([Math.round((some[0]!.at - startedAt) / 1000), mean]);
  }
  return points;
}

interface Slot {
  /** Seconds since the start. */
  t: number;
  width: number;
  seconds: Second[];
}

/** The seconds in at most {@link MAX_POINTS} groups. */
function slotsOf(seconds: readonly Second[], startedAt: number): Slot[] {
  const start = Math.floor(startedAt / 1000);
  const last = seconds.at(-1)?.at ?? start;
  const width = Math.max(1, Math.ceil((last - start) / MAX_POINTS));
  const slots = new Map<number, Slot>();
  for (const second of seconds) {
    const t = Math.floor((second.at - start) / width) * width;
    const slot = slots.get(t) ?? { t, width, seconds: [] };
    slot.seconds.push(second);
    slots.set(t, slot);
  }
  return [...slots.values()];
}

function merge(histograms: readonly (Histogram | undefined)[]): Histogram | undefined {
  const sum = new Histogram();
  for (const histogram of histograms) if (histogram) sum.merge(histogram);
  return sum.total > 0 ? sum : undefined;
}

function shortNumber(value: number): string {
  return value >= 10 || Number.isInteger(value) ? whole(value) : milliseconds(value);
}
