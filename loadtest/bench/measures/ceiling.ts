import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Generator, Stream } from '../generator/generator.ts';
import { describeRun, type Measured, measuredRun } from '../measured-run.ts';
import type { Target } from '../targets/target.ts';

/** Latency that a ceiling may have, in milliseconds. */
export const CEILING_P99_MS = 200;
/** The search ends when the rates that held and did not hold are as near as this. */
const PRECISION = 1.08;
const STEP = 1.5;
const WARM_SECONDS = 1.5;
const RECOVER_MS = 3000;

export interface Ceiling {
  /** Messages a second. */
  rate: number;
  /** At the highest rate that held; undefined when none did. */
  best: Measured | undefined;
  /** All rates that were tried. */
  tried: { rate: number; held: boolean; deliveriesPerSecond: number; p99: number; why: string }[];
}

export interface CeilingOptions {
  /** Messages a second to begin with. */
  from: number;
  /** Opens the sockets; called again after a rate that did not hold. */
  open: (generator: Generator) => Promise<readonly Stream[]>;
}

/**
 * The highest rate at which p99 stays within bounds and nothing is lost: steps up, then halves the distance. A rate
 * that does not hold is tried a second time, as other work on the machine can spoil one.
 */
export async function measureCeiling(
  bench: Bench,
  target: Target,
  options: CeilingOptions,
): Promise<Ceiling> {
  const generator = bench.generator();
  const ceiling: Ceiling = { rate: 0, best: undefined, tried: [] };
  let streams = await options.open(generator);
  const attempt = async (rate: number): Promise<boolean> => {
    const seconds = bench.options.step;
    const measured = await measuredRun(target, generator, {
      rate,
      seconds,
      warm: WARM_SECONDS,
      sample: 8,
      streams,
    });
    const { p99 } = measured.ledger.latency;
    const held = p99 <= CEILING_P99_MS && measured.complaints.length === 0;
    const why = measured.complaints.join(', ');
    ceiling.tried.push({ rate, held, deliveriesPerSecond: measured.deliveriesPerSecond, p99, why });
    bench.log(
      `${target.name} ceiling, ${Math.round(rate)}/s ${held ? 'holds' : 'does not hold'}: ${describeRun(measured)}`,
    );
    if (held && rate > ceiling.rate) Object.assign(ceiling, { rate, best: measured });
    if (!held) {
      await generator.close();
      await sleep(RECOVER_MS);
      streams = await options.open(generator);
    }
    return held;
  };
  const holds = async (rate: number) => (await attempt(rate)) || (await attempt(rate));

  let low = 0;
  let high = options.from;
  while (await holds(high)) {
    low = high;
    high *= STEP;
  }
  while (low === 0 && high > options.from / 50) {
    high /= 2;
    if (await holds(high)) {
      low = high;
      high *= 2;
    }
  }
  while (low > 0 && high / low > PRECISION) {
    const middle = Math.sqrt(low * high);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  generator.stop();
  return ceiling;
}
