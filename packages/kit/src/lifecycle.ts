import type { Logger } from './logger.ts';
import { isRedisAway } from './redis-errors.ts';

type Step = () => void | Promise<void>;

interface LifecycleOptions {
  logger: Logger;
  /** Milliseconds after which a shutdown that hangs ends with code 1. */
  timeoutMs: number;
  /** process.exit unless given. */
  exit?: (code: number) => void;
}

/**
 * The end of a process: the steps run once, one after the other, in the order in which they were declared. A step
 * that fails is logged and the next one runs. Exit code 0 after a clean end, 1 after a failed step, a fatal error
 * or the deadline.
 */
export class Lifecycle {
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #exit: (code: number) => void;
  readonly #steps: { name: string; run: Step }[] = [];
  #ending: Promise<void> | undefined;

  constructor({ logger, timeoutMs, exit = process.exit }: LifecycleOptions) {
    this.#logger = logger;
    this.#timeoutMs = timeoutMs;
    this.#exit = exit;
  }

  /** Declares the next step. Redis comes last, after all that uses it. */
  onShutdown(name: string, run: Step): this {
    this.#steps.push({ name, run });
    return this;
  }

  /**
   * Ends on SIGTERM and SIGINT (a second one ends at once), and on an error that nobody caught, as nobody knows what it
   * left half done. A promise that nobody caught and that says that Redis is away leaves nothing half done but a command:
   * it is logged, and the process lives, as it does through any outage.
   */
  listen(): this {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#signalled(signal));
    process.on('uncaughtException', (err) => this.#die('uncaughtException', err));
    process.on('unhandledRejection', (err) => {
      if (isRedisAway(err)) this.#logger.error({ err }, 'nobody handled that redis is away');
      else this.#die('unhandledRejection', err);
    });
    return this;
  }

  /** Runs the steps and ends the process; every call after the first one waits for the same end. */
  shutdown(reason: string): Promise<void> {
    this.#ending ??= this.#run(reason, false);
    return this.#ending;
  }

  /** Like {@link shutdown} after an error that leaves nothing to do: it is logged, and the code is 1. */
  fail(reason: string, err: unknown): Promise<void> {
    this.#logger.fatal({ err }, reason);
    this.#ending ??= this.#run(reason, true);
    return this.#ending;
  }

  #die(event: string, err: unknown): void {
    this.#logger.fatal({ err, event }, 'fatal error');
    this.#exit(1);
  }

  #signalled(signal: string): void {
    if (this.#ending === undefined) {
      // Never rejects: #run catches what the steps throw.
      void this.shutdown(signal);
      return;
    }
    this.#logger.warn({ signal }, 'second signal: ending at once');
    this.#exit(1);
  }

  async #run(reason: string, hasFailed: boolean): Promise<void> {
    this.#logger.info({ reason }, 'shutting down');
    let current = '';
    const deadline = setTimeout(() => {
      this.#logger.error({ step: current, timeoutMs: this.#timeoutMs }, 'shutdown took too long');
      this.#exit(1);
    }, this.#timeoutMs);
    let failed = hasFailed;
    for (const { name, run } of this.#steps) {
      current = name;
      try {
        await run();
      } catch (err) {
        failed = true;
        this.#logger.error({ err, step: name }, 'shutdown step failed');
      }
    }
    clearTimeout(deadline);
    this.#logger.info('shut down');
    this.#exit(failed ? 1 : 0);
  }
}
