import { performance } from 'node:perf_hooks';
import type { Ledger, Mark, Stream } from '../generator.ts';
import type { Connection } from './connection.ts';
import { dateBefore, findMark, hex } from './frames.ts';
import { Histogram } from './histogram.ts';

const QUIET_MS = 3000;
const DRAIN_MS = 30_000;
const TICK_MS = 1;

export interface RunPlan {
  id: number;
  rate: number;
  seconds: number;
  warm: number;
  window: number;
  bytes: number;
  sample: number;
  streams: readonly Stream[];
  /** Counts what comes without sending. */
  listening: boolean;
}

/** Microseconds of the monotonic clock, the same that the C programs read. */
export function nowMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** One run: sends at its rate, and keeps the ledger. */
export class Run {
  readonly #plan: RunPlan;
  readonly #connections: readonly Connection[];
  readonly #tell: (line: object) => void;
  readonly #finished: () => void;
  readonly #seqs: Uint32Array;
  readonly #pending = new Map<number, { at: number; stream: number }>();
  readonly #latency = new Histogram();
  readonly #remote = new Histogram();
  readonly #stored = new Histogram();
  readonly #ack = new Histogram();
  readonly #start = nowMicroseconds() + 20_000;
  readonly #steadyAt: number;
  readonly #endAt: number;
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #steadyTold = false;
  #endedAt = 0;
  #progress = { seen: -1, at: 0 };
  #sampled = 0;
  readonly #counts = {
    sent: 0,
    acked: 0,
    received: 0,
    expected: 0,
    gaps: 0,
    duplicates: 0,
    disorder: 0,
    stale: 0,
  };
  readonly #notes = { others: 0, errors: 0, closed: 0, closeCode: 0, payloadBytes: 0, firstError: '' };

  constructor(
    plan: RunPlan,
    connections: readonly Connection[],
    tell: (line: object) => void,
    finished: () => void,
  ) {
    this.#plan = plan;
    this.#connections = connections;
    this.#tell = tell;
    this.#finished = finished;
    this.#steadyAt = this.#start + plan.warm * 1e6;
    this.#endAt = this.#steadyAt + plan.seconds * 1e6;
    this.#seqs = new Uint32Array(plan.streams.length);
    for (const connection of connections) {
      const open = connection.state === 'ready';
      connection.last = open ? new Uint32Array(plan.streams.length) : undefined;
      connection.dates = open ? new Map() : undefined;
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  message(connection: Connection, bytes: Buffer, start: number, end: number): void {
    const counts = this.#counts;
    const mark = findMark(bytes, start, end);
    const { last } = connection;
    if (mark < 0 || !last) {
      this.#notes.others++;
      return;
    }
    if (hex(bytes, mark + 1, 2) !== this.#plan.id) {
      counts.stale++;
      return;
    }
    const stream = hex(bytes, mark + 3, 4);
    const seq = hex(bytes, mark + 7, 8);
    counts.received++;
    this.#notes.payloadBytes += end - start;
    const before = last[stream]!;
    if (seq <= before) counts.duplicates++;
    else {
      if (seq !== before + 1 && !(this.#plan.listening && before === 0)) counts.gaps += seq - before - 1;
      last[stream] = seq;
    }
    const date = connection.wire === 'chat' ? dateBefore(bytes, start, mark) : undefined;
    if (date !== undefined) {
      const { room } = this.#plan.streams[stream]!;
      if (date <= (connection.dates?.get(room) ?? 0)) counts.disorder++;
      connection.dates?.set(room, date);
    }
    if (++this.#sampled < this.#plan.sample) return;
    this.#sampled = 0;
    this.#time(connection, stream, hex(bytes, mark + 15, 12), date);
  }

  acknowledged(number: number): void {
    const pending = this.#pending.get(number);
    if (!pending) {
      this.#notes.others++;
      return;
    }
    this.#pending.delete(number);
    this.#counts.acked++;
    const now = nowMicroseconds();
    if (pending.at >= this.#steadyAt) this.#ack.record(now - pending.at);
    if (this.#plan.rate === 0 && this.#endedAt === 0) this.#send(pending.stream, now);
  }

  refused(text: string): void {
    if (this.#notes.errors++ === 0) this.#notes.firstError = text.slice(0, 255);
  }

  other(): void {
    this.#notes.others++;
  }

  closed(code: number): void {
    this.#notes.closed++;
    this.#notes.closeCode = code;
  }

  #time(connection: Connection, stream: number, due: number, date: number | undefined): void {
    if (due < this.#steadyAt || due > this.#endAt) return;
    const took = Math.max(0, nowMicroseconds() - due);
    this.#latency.record(took);
    if (this.#plan.listening) return;
    const sender = this.#connections[this.#plan.streams[stream]!.socket];
    if (sender?.label === connection.label) return;
    this.#remote.record(took);
    if (date === undefined) return;
    const here = (performance.timeOrigin + performance.now()) * 1000;
    this.#stored.record(Math.max(0, Math.round(here - date)));
  }

  #tick(): void {
    const now = nowMicroseconds();
    if (this.#endedAt > 0) {
      this.#drain(now);
      return;
    }
    if (!this.#steadyTold && now >= this.#steadyAt) {
      this.#steadyTold = true;
      this.#tell({ event: 'steady', ...this.#mark() });
    }
    // Also at the end: what was due before it is part of the load, however late this process woke up.
    if (!this.#plan.listening && now >= this.#start) this.#sendDue(now);
    if (now >= this.#endAt) {
      this.#endedAt = now;
      this.#progress.at = now;
      this.#tell({ event: 'end', ...this.#mark() });
      if (this.#plan.listening) this.#finish();
    }
  }

  #sendDue(now: number): void {
    const { rate, window, streams } = this.#plan;
    if (rate === 0) {
      if (this.#next++ > 0) return;
      for (let stream = 0; stream < streams.length; stream++)
        for (let n = 0; n < window; n++) this.#send(stream, now);
      return;
    }
    for (;;) {
      const due = Math.floor(this.#start + (this.#next * 1e6) / rate);
      if (due > now || due >= this.#endAt) return;
      this.#send(this.#next % streams.length, due);
      this.#next++;
    }
  }

  #send(index: number, due: number): void {
    const stream = this.#plan.streams[index]!;
    const connection = this.#connections[stream.socket];
    if (connection?.state !== 'ready') return;
    const { id, bytes } = this.#plan;
    const seq = ++this.#seqs[index]!;
    const number = this.#counts.sent++;
    this.#counts.expected += stream.members;
    this.#pending.set(number, { at: nowMicroseconds(), stream: index });
    const digits = [digitsOf(id, 2), digitsOf(index, 4), digitsOf(seq, 8), digitsOf(due, 12)];
    const message = `~${digits.join('')}`.padEnd(bytes, 'x');
    const { room: roomId } = stream;
    if (connection.wire === 'chat') {
      const cid = `${digitsOf(id, 2)}.${digitsOf(number, 8)}`;
      connection.send(JSON.stringify({ type: 'message', data: { roomId, message }, cid }));
    } else connection.send(`42${number}${JSON.stringify(['message', { roomId, message }])}`);
  }

  #drain(now: number): void {
    const { received, expected, acked, sent } = this.#counts;
    if (received + acked !== this.#progress.seen) this.#progress = { seen: received + acked, at: now };
    const done = received >= expected && acked >= sent;
    const quiet = now - this.#progress.at > QUIET_MS * 1000;
    if (done || quiet || now - this.#endedAt > DRAIN_MS * 1000) this.#finish();
  }

  #finish(): void {
    clearInterval(this.#timer);
    const ledger: Ledger = {
      ...this.#counts,
      ...this.#notes,
      incomplete: this.#plan.listening ? 0 : this.#incomplete(),
      reads: 0,
      drainMs: Math.max(0, this.#progress.at - this.#endAt) / 1000,
      latency: this.#latency.summary(),
      remote: this.#remote.summary(),
      stored: this.#stored.summary(),
      ack: this.#ack.summary(),
    };
    this.#finished();
    this.#tell(ledger);
  }

  #incomplete(): number {
    let incomplete = 0;
    for (const [index, { members }] of this.#plan.streams.entries()) {
      const seq = this.#seqs[index]!;
      let complete = 0;
      for (const { last } of this.#connections) {
        const reached = last?.[index] ?? 0;
        if (reached === 0) continue;
        if (reached === seq) complete++;
        else incomplete++;
      }
      if (seq > 0) incomplete += Math.abs(members - complete);
    }
    return incomplete;
  }

  #mark(): Mark {
    const { received, acked, sent } = this.#counts;
    const { user, system } = process.cpuUsage();
    return { received, acked, sent, cpu: (user + system) / 1e6 };
  }
}

function digitsOf(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
