import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GeneratorProgram, generatorProgram } from './generator/command.ts';
import { Generator } from './generator/generator.ts';
import type { Options } from './options.ts';

interface Stoppable {
  stop(): void | Promise<void>;
}

/** What all measures share: the options, the programs, and what has to be stopped at the end. */
export class Bench {
  readonly options: Options;
  /** For programs, logs and lists; gone at the end. */
  readonly directory: string;
  readonly #program: GeneratorProgram;
  readonly #running: Stoppable[] = [];
  readonly #start = performance.now();
  #stopping: Promise<void> | undefined;

  private constructor(options: Options, directory: string, program: GeneratorProgram) {
    this.options = options;
    this.directory = directory;
    this.#program = program;
  }

  static async prepare(options: Options): Promise<Bench> {
    const directory = mkdtempSync(join(tmpdir(), 'chat-bench-'));
    return new Bench(options, directory, await generatorProgram(directory, options.generator));
  }

  /** How the generator runs here. */
  get generatorKind(): string {
    return this.#program.kind;
  }

  log(line: string): void {
    console.log(`${((performance.now() - this.#start) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  }

  /** A generator of its own: its sockets and numbers start from nothing. */
  generator(): Generator {
    const generator = new Generator(this.#program.command, this.directory);
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
