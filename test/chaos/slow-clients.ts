import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChatEvents } from '@chat/client';
import { forget, watch } from '../harness/guard.ts';
import type { ClientEvents } from '../harness/ledger.ts';
import type { SlowProgram, SlowReport } from './slow-program.ts';

const PROGRAM = fileURLToPath(new URL('./slow-program.ts', import.meta.url));

/** The events of a client that lives in the other process. */
class RemoteClient implements ClientEvents {
  readonly #handlers = new Map<string, ((data: never) => void)[]>();

  on<Name extends keyof ChatEvents>(name: Name, handler: (data: ChatEvents[Name]) => void): void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
  }

  emit(name: string, data: object): void {
    for (const handler of this.#handlers.get(name) ?? []) handler(data as never);
  }
}

/** Clients in a process of their own, which can be stopped: then they read nothing, as if their device had hung. */
export class SlowClients {
  readonly clients: readonly RemoteClient[];
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;

  constructor(program: SlowProgram) {
    this.clients = program.clients.map(() => new RemoteClient());
    this.#child = fork(PROGRAM, [JSON.stringify(program)], { execArgv: ['--import', 'tsx'] });
    const pid = this.#child.pid!;
    watch(pid, 'first');
    this.#child.once('exit', () => forget(pid));
    this.#ready = new Promise((resolve, reject) => {
      this.#child.on('message', (report: SlowReport) => {
        if ('ready' in report) resolve();
        else this.clients[report.client]!.emit(report.name, report.data);
      });
      this.#child.once('exit', (code, signal) => reject(new Error(`ended with ${signal ?? code}`)));
    });
  }

  /** Resolves once all are connected. */
  ready(): Promise<void> {
    return this.#ready;
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
  }

  continue(): void {
    this.#child.kill('SIGCONT');
  }

  /** Kills the process, stopped or not. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
