import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, type ChildExit, lastLines, startChild } from './child.ts';
import { freePort } from './ports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/**
 * A replica allocates little and briefly: half-spaces of 4 MB instead of 16 save 24 MB of memory each replica would
 * touch in a storm of upgrades and then keep. The image does the same.
 */
const NODE_ARGS: Record<ServiceName, string[]> = {
  auth: [],
  history: [],
  realtime: ['--max-semi-space-size=4'],
};
/**
 * What a storm of upgrades needed goes back to the system: one malloc arena, as those of the threads, which hardly allocate,
 * would keep it, and a fixed threshold, as the one that malloc adapts grows to 32 MB. The image does the same.
 */
export const LEAN_MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '1048576' };
const NODE_ENV: Record<ServiceName, NodeJS.ProcessEnv> = { auth: {}, history: {}, realtime: LEAN_MALLOC };
const START_TIMEOUT_MS = 60_000;
const PORT_TRIES = 5;

export type ServiceName = 'auth' | 'history' | 'realtime';

export interface ServiceOptions {
  service: ServiceName;
  /** What messages and the log file call it, for instance "realtime-2". */
  name: string;
  logDir: string;
  env: NodeJS.ProcessEnv;
  /** Hard limit of its shutdown in milliseconds; then SIGKILL. */
  stopMs: number;
}

/**
 * One process of a service, which can end and be started again: its port stays the same, so that the gateway finds
 * the next one where the last one was.
 */
export class Service {
  readonly name: string;
  readonly service: ServiceName;
  /** Known from the first start on. */
  port = 0;
  /** The serverId that a replica gave itself at its last start. */
  serverId = '';
  readonly #options: ServiceOptions;
  #child: Child | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.name = options.name;
    this.service = options.service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Of the last process started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child?.running() ?? false;
  }

  get exited(): Promise<ChildExit> | undefined {
    return this.#child?.exited;
  }

  /** The last lines that it logged. */
  get lastLog(): string {
    return lastLines(this.#logFile);
  }

  /** Starts the process and resolves once GET /readyz answers 200. Rejects with its last log lines. */
  async start(): Promise<void> {
    const bundle = join(ROOT, 'services', this.service, 'dist/main.js');
    if (!existsSync(bundle)) throw new Error(`${bundle} is missing: run "npm run build"`);
    const firstStart = this.port === 0;
    for (let attempt = 1; ; attempt++) {
      if (firstStart) this.port = await freePort();
      try {
        await this.#run(bundle);
        return;
      } catch (error) {
        await this.stop();
        const lostRace = /EADDRINUSE|address already in use/i.test(this.lastLog);
        if (!firstStart || !lostRace || attempt === PORT_TRIES) throw error;
      }
    }
  }

  async #run(bundle: string): Promise<void> {
    const child = await startChild({
      name: this.name,
      command: process.execPath,
      args: [...NODE_ARGS[this.service], bundle],
      logFile: this.#logFile,
      env: { ...NODE_ENV[this.service], ...process.env, ...this.#options.env, PORT: String(this.port) },
    });
    this.#child = child;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (child.running() && Date.now() < deadline) {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5000) }).catch(
        () => undefined,
      );
      if (answer?.ok && child.running()) {
        const body = (await answer.json()) as { serverId?: string };
        this.serverId = body.serverId ?? '';
        return;
      }
      await sleep(50);
    }
    const what = child.running() ? 'was not ready in time' : 'ended while it started';
    throw new Error(`${this.name} ${what}:\n${this.lastLog}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM, and SIGKILL when it takes longer than it may. */
  async stop(): Promise<void> {
    await this.#child?.stop(this.#options.stopMs);
  }

  get #logFile(): string {
    return join(this.#options.logDir, `${this.name}.log`);
  }
}
