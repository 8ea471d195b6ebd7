import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from './generator/compile.ts';
import { Generator } from './generator/generator.ts';
import type { Options } from './options.ts';

interface Stoppable {
  stop(): void | Promise<void>;
}

/** What all measures share: the options, the programs, and what has to be stopped at the end. */
export class Bench {
  readonly options: Options;
  readonly directory = mkdtempSync(join(tmpdir(), 'chat-bench-'));
  /** How the generator runs here. */
  readonly generatorKind: string;
  readonly #generatorCommand: string[];
  readonly #running: Stoppable[] = [];
  readonly #start = performance.now();
  #stopping: Promise<void> | undefined;

  constructor(options: Options) {
    this.options = options;
    const program = compile('generator/generator.c', this.directory);
    if (!program) throw new Error('there is no C compiler (cc) for the load generator');
    this.generatorKind = 'C';
    this.#generatorCommand = [program];
  }

  log(line: string): void {
    console.log(`${((performance.now() - this.#start) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  }

  /** A generator of its own: its sockets and numbers start from nothing. */
  generator(): Generator {
    const generator = new Generator(this.#generatorCommand, this.directory);
    this.#running.push(generator);
    return generator;
  }

  /** Stops it at the end of the bench, if nobody did before. */
  keep<T extends Stoppable>(stoppable: T): T {
    this.#running.push(stoppable);
    return stoppable;
  }

  /** Stops what is running, the last first; idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const each of this.#running.reverse()) await each.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
