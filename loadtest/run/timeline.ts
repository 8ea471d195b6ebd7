import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { Histogram } from '../lib/histogram.ts';
import { parseTimelineLine } from '../lib/timeline-line.ts';

/** What all VUs saw in one second. */
export interface Second {
  /** Seconds since 1970. */
  at: number;
  sockets: number;
  counts: Map<string, number>;
  times: Map<string, Histogram>;
}

/** Reads what k6's scripts print each second, from the file that their console goes to, while it grows. */
export class Timeline {
  readonly #file: string;
  readonly #onLine: (line: string) => void;
  readonly #seconds = new Map<number, Second>();
  /** Sockets of each VU when it was last heard of. */
  readonly #sockets = new Map<number, number>();
  #offset = 0;
  #rest = '';

  /** @param onLine is given what is meant for the person who watches */
  constructor(file: string, onLine: (line: string) => void) {
    this.#file = file;
    this.#onLine = onLine;
  }

  /** Takes in what was written since the last time. */
  read(): void {
    const lines = (this.#rest + this.#readNew()).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  /** True once something of that name was counted. */
  has(name: string): boolean {
    for (const { counts } of this.#seconds.values()) if (counts.has(name)) return true;
    return false;
  }

  /** In order of time. */
  get seconds(): Second[] {
    return [...this.#seconds.values()].sort((a, b) => a.at - b.at);
  }

  #take(line: string): void {
    const entry = parseTimelineLine(line);
    if (!entry) {
      if (line !== '') this.#onLine(messageOf(line));
      return;
    }
    const at = Math.floor(entry.at / 1000);
    const second = this.#seconds.get(at) ?? { at, sockets: 0, counts: new Map(), times: new Map() };
    this.#seconds.set(at, second);
    for (const [name, count] of entry.counts) second.counts.set(name, (second.counts.get(name) ?? 0) + count);
    for (const [name, histogram] of entry.times) {
      const sum = second.times.get(name) ?? new Histogram();
      sum.merge(histogram);
      second.times.set(name, sum);
    }
    this.#sockets.set(entry.vu, entry.sockets);
    second.sockets = [...this.#sockets.values()].reduce((sum, sockets) => sum + sockets, 0);
  }

  #readNew(): string {
    if (!existsSync(this.#file)) return '';
    const descriptor = openSync(this.#file, 'r');
    try {
      const chunks: Buffer[] = [];
      for (;;) {
        const chunk = Buffer.alloc(64 * 1024);
        const length = readSync(descriptor, chunk, 0, chunk.length, this.#offset);
        if (length === 0) break;
        this.#offset += length;
        chunks.push(chunk.subarray(0, length));
      }
      return Buffer.concat(chunks).toString();
    } finally {
      closeSync(descriptor);
    }
  }
}

/** The message of a line of k6's log, without time and level. */
function messageOf(line: string): string {
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return quoted === undefined ? line : quoted.replace(/\\(["\\])/g, '$1');
}
