import { type DestinationStream, pino } from 'pino';

/**
 * Standard output. The lines of one turn of the event loop leave together at its end, by one system call. None is lost
 * when the process ends, in order or by an exception, and none waits in memory: the write is synchronous, so a reader
 * that stands still holds up the process once the pipe is full.
 */
export function standardOutput(): DestinationStream {
  const lines = new Lines(pino.destination({ sync: true }));
  process.on('exit', () => lines.flushSync());
  return lines;
}

class Lines implements DestinationStream {
  readonly #output: ReturnType<typeof pino.destination>;
  #waiting = '';

  constructor(output: ReturnType<typeof pino.destination>) {
    this.#output = output;
  }

  write(line: string): void {
    if (this.#waiting === '') setImmediate(() => this.#flush());
    this.#waiting += line;
  }

  /** Called by pino after a line of level fatal. */
  flushSync(): void {
    this.#flush();
    this.#output.flushSync();
  }

  #flush(): void {
    if (this.#waiting === '') return;
    const lines = this.#waiting;
    this.#waiting = '';
    this.#output.write(lines);
  }
}
