import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How a server is spoken to. */
export type Wire = 'chat' | 'socketio';

/** Milliseconds. */
export interface Latency {
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

export interface Opened {
  opened: number;
  failed: number;
  seconds: number;
  /** What the server said to the first that it refused. */
  firstError: string;
  /** From connect() to the first frame that says that the socket is ready. */
  latency: Latency;
}

export interface OpenCount {
  open: number;
  closed: number;
  /** Place of the first closed one among those opened, from 1. */
  firstClosed: number;
  closeCode: number;
  firstError: string;
}

/** What the generator counted at one moment; `cpu` is its own CPU time so far in seconds. */
export interface Mark {
  received: number;
  acked: number;
  sent: number;
  cpu: number;
}

/** The ledger of one run: exact, on every socket. */
export interface Ledger {
  sent: number;
  acked: number;
  received: number;
  /** Messages sent x members of their rooms. */
  expected: number;
  /** Numbers that a socket missed, had twice or late; and pairs of socket and stream that are not complete. */
  gaps: number;
  duplicates: number;
  /** Messages of a room that came before an earlier one of another sender; not looked for on Socket.IO. */
  disorder: number;
  incomplete: number;
  stale: number;
  others: number;
  errors: number;
  /** Sockets that the server closed, and the last close code. */
  closed: number;
  closeCode: number;
  reads: number;
  payloadBytes: number;
  /** How long the last message came after the end of sending. */
  drainMs: number;
  firstError: string;
  /** From the moment a message was due to its arrival: all, and those that came from another replica. */
  latency: Latency;
  remote: Latency;
  /** From the date that Redis gave to the arrival on another replica's socket. */
  stored: Latency;
  ack: Latency;
}

/** One source of messages: a socket (by its number among those opened) that sends into a room. */
export interface Stream {
  socket: number;
  room: string;
  /** Sockets that must receive what it sends. */
  members: number;
}

export interface OpenOptions {
  /** Names a group of sockets; those of one replica have one label. */
  label: number;
  port: number;
  host?: string;
  count: number;
  /** Upgrades under way at once. */
  concurrency?: number;
  wire: Wire;
  path: string;
  /** Sent as Authorization: Bearer, one a socket. */
  tokens?: readonly string[];
}

export interface RunOptions {
  /** Messages a second over all streams; 0: as fast as acknowledgements come, `window` at a time per stream. */
  rate: number;
  window?: number;
  seconds: number;
  /** Seconds at the start that are not measured, but counted in the ledger. */
  warm: number;
  /** Bytes of a message's text, at least 27. */
  bytes?: number;
  /** Latency of every nth delivery. */
  sample?: number;
  /** Those of one room together. */
  streams: readonly Stream[];
  onSteady?: (mark: Mark) => void;
  onEnd?: (mark: Mark) => void;
}

type ListenOptions = Pick<RunOptions, 'seconds' | 'warm' | 'sample' | 'onSteady' | 'onEnd'>;
type Line = Record<string, unknown>;

/** The generator's process. One command at a time. */
export class Generator {
  readonly #child: ChildProcess;
  readonly #directory: string;
  #answer: ((line: Line) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #ended: Error | undefined;
  #files = 0;

  constructor(command: string[], directory: string) {
    this.#directory = directory;
    this.#child = spawn(command[0]!, command.slice(1), {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#answer?.(JSON.parse(line)));
    this.#child.once('error', (error) => this.#end(error));
    this.#child.once('exit', (code, signal) =>
      this.#end(new Error(`the generator ended (${signal ?? code}), see above`)),
    );
    // The pipe breaks when it ends; that is told by its exit.
    this.#child.stdin!.on('error', () => undefined);
  }

  /** Opens sockets; resolves when all are ready or refused. */
  async open(options: OpenOptions): Promise<Opened> {
    const { label, host = '127.0.0.1', port, count, concurrency = 128, wire, path, tokens } = options;
    const file = tokens ? this.#file('tokens', tokens) : '-';
    return (await this.#ask(
      `open ${label} ${host} ${port} ${count} ${concurrency} ${wire} ${file} ${path}`,
    )) as unknown as Opened;
  }

  /** Sends messages and counts what comes back; resolves when all came or nothing comes any more. */
  run(options: RunOptions): Promise<Ledger> {
    const { rate, seconds, warm, window = 1, bytes = 64, sample = 1, streams } = options;
    const file = this.#file(
      'streams',
      streams.map(({ socket, room, members }) => `${socket} ${room} ${members}`),
    );
    return this.#measure(`send ${rate} ${seconds} ${warm} ${window} ${bytes} ${sample} ${file}`, options);
  }

  /** Counts what comes by itself. */
  listen(options: ListenOptions): Promise<Ledger> {
    const { seconds, warm, sample = 1 } = options;
    return this.#measure(`listen ${seconds} ${warm} ${sample}`, options);
  }

  /** Sends a text on each socket of a label; -1: on all. */
  async text(label: number, payload: string): Promise<void> {
    await this.#ask(`text ${label} ${payload}`);
  }

  /** How many sockets are open now, and how the server closed the last of the others. */
  async count(): Promise<OpenCount> {
    return (await this.#ask('count')) as unknown as OpenCount;
  }

  /** Closes the sockets of a label; -1: all. */
  async close(label = -1): Promise<void> {
    await this.#ask(`close ${label}`);
  }

  stop(): void {
    this.#child.kill('SIGTERM');
  }

  #measure(command: string, { onSteady, onEnd }: ListenOptions): Promise<Ledger> {
    return this.#ask(command, (line) => {
      if (line.event === 'steady') onSteady?.(line as unknown as Mark);
      else onEnd?.(line as unknown as Mark);
    }) as unknown as Promise<Ledger>;
  }

  #ask(command: string, onEvent?: (line: Line) => void): Promise<Line> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#answer = (line) => {
        if (line.event === undefined) {
          resolve(line);
          return;
        }
        try {
          onEvent?.(line);
        } catch (error) {
          // For instance, a process whose CPU time is read has ended.
          reject(error);
        }
      };
      this.#child.stdin!.write(`${command}\n`);
    });
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#failed?.(this.#ended);
  }

  #file(name: string, lines: readonly string[]): string {
    const path = join(this.#directory, `${name}-${++this.#files}`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }
}
