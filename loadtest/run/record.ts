import { cpus, totalmem } from 'node:os';
import type { Timed } from '../lib/metrics.ts';
import { subjectOf } from '../lib/subject.ts';
import type { RunSummary } from '../lib/summary-text.ts';
import { type Figure, figuresOf } from './figures.ts';
import type { ProcessHistory } from './monitor.ts';
import type { Way } from './target.ts';
import { throughput } from './throughput.ts';
import type { Second } from './timeline.ts';

/** CPU and memory of one process over the run. */
export interface ProcessFigures {
  name: string;
  /** It holds sockets. */
  replica: boolean;
  cpuSeconds: number;
  /** Cores. */
  cpuMean: number;
  cpuMax: number;
  residentFirst: number;
  residentMax: number;
  residentLast: number;
}

/** One second of the run, in numbers. */
export interface TimelinePoint {
  /** Seconds since the start. */
  t: number;
  sockets: number;
  sent: number;
  received: number;
  connected: number;
  /** Milliseconds at 50, 95 and 99 % of all deliveries (of upgrades, pages or logins in the scenarios that are about those). */
  p50?: number;
  p95?: number;
  p99?: number;
}

/** summary.json: everything that a later run compares itself with. */
export interface RunRecord extends RunSummary {
  startedAt: string;
  /** It was ended before its time: its figures are of another run than the one that was asked for. */
  interrupted: boolean;
  k6: string;
  /** Where sockets went. */
  sockets: string;
  way: Way;
  machine: { cpus: number; model: string; memoryBytes: number; platform: string; node: string };
  processes: ProcessFigures[];
  /** Deliveries a second while there were any; upgrades or logins in the scenarios that are about those. */
  rate: number;
  figures: Figure[];
  timeline: TimelinePoint[];
}

interface RunParts {
  summary: RunSummary;
  startedAt: number;
  interrupted: boolean;
  k6: string;
  sockets: string;
  way: Way;
  histories: readonly ProcessHistory[];
  seconds: readonly Second[];
}

export function recordOf({ summary, startedAt, histories, seconds, ...parts }: RunParts): RunRecord {
  const processes = histories.map(figuresOfProcess);
  const rate = rateOf(summary, seconds);
  return {
    ...summary,
    startedAt: new Date(startedAt).toISOString(),
    ...parts,
    ...{ machine: machine(), processes, rate },
    figures: figuresOf(summary, rate, processes),
    timeline: seconds.map((second) => pointOf(second, startedAt, subjectOf(summary.scenario).times)),
  };
}

function rateOf({ scenario, load }: RunSummary, seconds: readonly Second[]): number {
  // Who is moved to another replica after all have connected is no part of the ramp.
  if (scenario === 'connect') return throughput(seconds, 'connected', load.sockets + load.senders);
  return throughput(seconds, subjectOf(scenario).rate.counted);
}

function pointOf(
  { at, sockets, counts, times }: Second,
  startedAt: number,
  names: readonly Timed[],
): TimelinePoint {
  const count = (name: string) => counts.get(name) ?? 0;
  const merged = names.map((name) => times.get(name)).filter((each) => each !== undefined);
  const [first, ...others] = merged;
  const histogram = first?.copy();
  for (const other of others) histogram!.merge(other);
  return {
    t: at - Math.floor(startedAt / 1000),
    sockets,
    sent: count('sent'),
    received: count('received'),
    connected: count('connected'),
    ...(histogram
      ? {
          p50: round(histogram.quantile(0.5)),
          p95: round(histogram.quantile(0.95)),
          p99: round(histogram.quantile(0.99)),
        }
      : {}),
  };
}

export function figuresOfProcess({ name, samples, since, cpuSeconds }: ProcessHistory): ProcessFigures {
  const resident = samples.map(({ residentBytes }) => residentBytes);
  const seconds = (samples.at(-1)!.at - since) / 1000;
  return {
    name,
    replica: samples.some(({ sockets }) => sockets !== undefined),
    cpuSeconds,
    cpuMean: cpuSeconds / seconds,
    cpuMax: Math.max(...samples.map(({ cpu }) => cpu)),
    residentFirst: resident[0]!,
    residentMax: Math.max(...resident),
    residentLast: resident.at(-1)!,
  };
}

function machine(): RunRecord['machine'] {
  const cores = cpus();
  return {
    cpus: cores.length,
    model: cores[0]?.model.trim() ?? '',
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

function round(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 100) / 100;
}
