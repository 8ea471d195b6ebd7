import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { OpenCount, Opened, Stream } from '../generator.ts';
import { Connection, type Receiver } from './connection.ts';
import { hex } from './frames.ts';
import { Histogram } from './histogram.ts';
import { Run, type RunPlan } from './run.ts';

// The load generator where there is no C compiler: the same commands and answers as generator.c, which has them
// described, at some times the CPU.

const CONNECT_TIMEOUT_MS = 30_000;
const PER_ADDRESS = 16_000;

let connections: Connection[] = [];
let run: Run | undefined;
let runs = 0;
let opening: { ok: number; failed: number; latency: Histogram; settled: () => void } | undefined;
let closeCode = 0;
let firstError = '';

const receiver: Receiver = {
  ready(connection) {
    if (connection.state === 'ready') return;
    connection.state = 'ready';
    if (!opening) return;
    opening.ok++;
    opening.latency.record(Math.round((performance.now() - connection.since) * 1000));
    opening.settled();
  },
  message: (...frame) => run?.message(...frame),
  acknowledged(bytes, start, end) {
    const text = bytes.toString('latin1', start, end);
    const cid = text.indexOf('"cid":"');
    if (!text.startsWith('{')) run?.acknowledged(Number.parseInt(text.slice(2), 10));
    else if (cid >= 0 && hex(bytes, start + cid + 7, 2) === runs)
      run?.acknowledged(hex(bytes, start + cid + 10, 8));
  },
  refused(text) {
    firstError ||= text.slice(0, 255);
    run?.refused(text);
  },
  other: () => run?.other(),
  closed(connection, code) {
    closeCode = code;
    if (connection.state === 'ready') {
      run?.closed(code);
      return;
    }
    if (!opening) return;
    opening.failed++;
    opening.settled();
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => command(line))
  .on('close', () => process.exit(0));

function command(line: string): void {
  const [name = '', ...words] = line.split(' ');
  switch (name) {
    case 'open':
      open(words);
      return;
    case 'send':
      send(words);
      return;
    case 'listen': {
      const [seconds, warm, sample] = words.map(Number) as [number, number, number];
      const streams = [{ socket: -1, room: '', members: 0 }];
      start({ id: 0, rate: 0, seconds, warm, window: 0, bytes: 0, sample, streams, listening: true });
      return;
    }
    case 'text': {
      const payload = words.slice(1).join(' ');
      for (const each of of(Number(words[0]))) if (each.state === 'ready') each.send(payload);
      tell({ told: true });
      return;
    }
    case 'close':
      close(Number(words[0]));
      return;
    case 'count':
      tell(count());
      return;
    default:
      console.error(`generator: no command: ${line}`);
      process.exit(1);
  }
}

function open([label, host, port, wanted, concurrency, wire, tokenFile, path]: string[]): void {
  const tokens = tokenFile === '-' ? undefined : readFileSync(tokenFile!, 'utf8').trim().split('\n');
  const begun = performance.now();
  let started = 0;
  firstError = '';
  const deadline = setTimeout(() => {
    for (const each of connections) if (each.state === 'upgrading' || each.state === 'greeting') each.drop();
    answer();
  }, CONNECT_TIMEOUT_MS);
  const next = () => {
    if (!opening) return;
    const { ok, failed } = opening;
    if (ok + failed === Number(wanted)) {
      answer();
      return;
    }
    while (started < Number(wanted) && started - ok - failed < Number(concurrency)) {
      const token = tokens?.[started % tokens.length];
      started++;
      const last = 1 + (Math.floor(connections.length / PER_ADDRESS) % 200);
      const localAddress = host?.startsWith('127.') ? `127.0.0.${last}` : undefined;
      const place = {
        host: host!,
        port: Number(port),
        path: path!,
        label: Number(label),
        token,
        localAddress,
      };
      connections.push(new Connection({ ...place, wire: wire === 'chat' ? 'chat' : 'socketio' }, receiver));
    }
  };
  const answer = () => {
    clearTimeout(deadline);
    if (!opening) return;
    const { ok: opened, latency } = opening;
    opening = undefined;
    const seconds = (performance.now() - begun) / 1000;
    const opens: Opened = {
      ...{ opened, failed: Number(wanted) - opened, seconds, firstError },
      latency: latency.summary(),
    };
    tell(opens);
  };
  opening = { ok: 0, failed: 0, latency: new Histogram(), settled: next };
  next();
}

function send(words: string[]): void {
  const file = words.pop()!;
  const [rate, seconds, warm, window, bytes, sample] = words.map(Number);
  const streams = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): Stream => {
      const [socket, room, members] = line.split(' ');
      return { socket: Number(socket), room: room!, members: Number(members) };
    });
  runs = (runs % 255) + 1;
  start({
    ...{
      id: runs,
      rate: rate!,
      seconds: seconds!,
      warm: warm!,
      window: window!,
      bytes: bytes!,
      sample: sample!,
    },
    streams,
    listening: false,
  });
}

function start(plan: RunPlan): void {
  run = new Run(plan, connections, tell, () => {
    run = undefined;
  });
}

function close(label: number): void {
  const closing = of(label).filter(({ state }) => state !== 'closed');
  for (const each of closing) each.drop();
  if (connections.every(({ state }) => state === 'closed')) connections = [];
  tell({ closed: closing.length });
}

function count(): OpenCount {
  const isOpen = connections.map(({ state }) => state === 'ready');
  const open = isOpen.filter(Boolean).length;
  return {
    ...{ open, closed: isOpen.length - open, closeCode, firstError },
    firstClosed: isOpen.indexOf(false) + 1,
  };
}

function of(label: number): Connection[] {
  return label < 0 ? connections : connections.filter((each) => each.label === label);
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
