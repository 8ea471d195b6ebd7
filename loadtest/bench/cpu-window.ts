import { cpuSeconds, machineCpu } from '../proc-stat.ts';
import type { Mark } from './generator/generator.ts';

interface Look {
  mark: Mark;
  at: number;
  cpu: Record<string, number>;
  machine: number;
}

export interface WindowResult {
  seconds: number;
  received: number;
  acked: number;
  /** Cores that each group of processes used, 1 = one core; `generator` and all of the `machine` among them. */
  cores: Record<string, number>;
}

/** What groups of processes cost between the moments at which a run is warm and at which it ends. */
export class CpuWindow {
  readonly #groups: Record<string, readonly number[]>;
  #steady: Look | undefined;
  #end: Look | undefined;

  /** @param groups pids by name */
  constructor(groups: Record<string, readonly number[]>) {
    this.#groups = groups;
  }

  readonly onSteady = (mark: Mark): void => {
    this.#steady = this.#look(mark);
  };

  readonly onEnd = (mark: Mark): void => {
    this.#end = this.#look(mark);
  };

  result(): WindowResult {
    const [steady, end] = [this.#steady, this.#end];
    if (!steady || !end) throw new Error('the generator told no beginning or end');
    const seconds = end.at - steady.at;
    const cores: Record<string, number> = {};
    for (const name of Object.keys(this.#groups)) {
      cores[name] = (end.cpu[name]! - steady.cpu[name]!) / seconds;
    }
    cores.generator = (end.mark.cpu - steady.mark.cpu) / seconds;
    cores.machine = (end.machine - steady.machine) / seconds;
    return {
      seconds,
      received: end.mark.received - steady.mark.received,
      acked: end.mark.acked - steady.mark.acked,
      cores,
    };
  }

  #look(mark: Mark): Look {
    const cpu = Object.fromEntries(
      Object.entries(this.#groups).map(([name, pids]) => [name, cpuSeconds(pids)]),
    );
    return { mark, at: performance.now() / 1000, cpu, machine: machineCpu() };
  }
}
