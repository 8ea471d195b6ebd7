import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildExit } from './child.ts';

/** A process with one place in the cluster, whose port stays when it is started again. */
export interface Restartable {
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
  /** Of the last process started. */
  readonly exited: Promise<ChildExit> | undefined;
  readonly lastLog: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

interface SupervisorOptions {
  /** Whether what ends unexpectedly is started again. */
  restart: boolean;
  log: (line: string) => void;
  /** A process ended or came back. */
  onChange: () => void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** Whoever lived so long starts again without delay. */
const STABLE_MS = 60_000;

/** Tells of every process that ends though nobody stopped it, and starts it again with a growing delay. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #expected = new Set<Restartable>();
  readonly #ending = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts it and looks after it from then on. */
  async start(process: Restartable): Promise<void> {
    await process.start();
    this.#expected.delete(process);
    void this.#watch(process);
  }

  /** Its next end is meant. */
  expectEnd(process: Restartable): void {
    this.#expected.add(process);
  }

  /** From now on every end is meant. */
  end(): void {
    this.#ending.abort();
  }

  async #watch(process: Restartable): Promise<void> {
    let delayMs = FIRST_DELAY_MS;
    for (;;) {
      const started = Date.now();
      const exit = await process.exited;
      if (this.#ending.signal.aborted || this.#expected.has(process)) return;
      this.#options.onChange();
      this.#options.log(
        `${process.name} ended unexpectedly (${describe(exit)}); its last lines:\n${indent(process)}`,
      );
      if (!this.#options.restart) return;
      if (Date.now() - started > STABLE_MS) delayMs = FIRST_DELAY_MS;
      delayMs = await this.#bringBack(process, delayMs);
      if (this.#ending.signal.aborted) return;
    }
  }

  /** Returns the delay for the next time. */
  async #bringBack(process: Restartable, firstDelayMs: number): Promise<number> {
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
      await sleep(delayMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      if (this.#ending.signal.aborted) return delayMs;
      try {
        await process.start();
        this.#options.log(`${process.name} is back (pid ${process.pid})`);
        this.#options.onChange();
        return Math.min(delayMs * 2, MAX_DELAY_MS);
      } catch (error) {
        if (this.#ending.signal.aborted) return delayMs;
        this.#options.log(
          `${process.name} did not come back, next try in ${delayMs * 2} ms: ${(error as Error).message}`,
        );
      }
    }
  }
}

function describe(exit: ChildExit | undefined): string {
  return exit?.signal ?? `code ${exit?.code}`;
}

function indent(process: Restartable): string {
  return process.lastLog.replace(/^/gm, '  ');
}
