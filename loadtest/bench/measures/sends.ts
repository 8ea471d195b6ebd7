import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { CHANNEL, MAX_DATE_AHEAD, messageEnvelopeHead, RETRY_WINDOW } from '@chat/protocol';
import { draft, keys } from '@chat/store';
import type { Bench } from '../bench.ts';
import type { Latency } from '../generator/generator.ts';
import { describeRun, measuredRun } from '../measured-run.ts';
import { openSockets, ROOM, ROOM_LIMIT } from '../room.ts';
import type { ChatTarget } from '../targets/chat.ts';

const SENDERS = 32;
/** Sends of one socket under way at once. */
const WINDOW = 16;
const TEXT_BYTES = 64;
const SCRIPT = new URL('../../../packages/store/src/lua/append.lua', import.meta.url);

export interface Sends {
  /** Acknowledged, that is stored. */
  perSecond: number;
  /** From a send to its acknowledgement. */
  ack: Latency;
  /** What was lost; empty when nothing was. */
  complaints: string[];
  /** The same script by redis-benchmark with 50 connections, one call at a time each, and 16; undefined without it. */
  redisBenchmark: number | undefined;
  redisBenchmarkPipelined: number | undefined;
}

/** How many sends into one room a replica stores a second when nobody listens, and how many Redis alone would. */
export async function measureSends(bench: Bench, target: ChatTarget): Promise<Sends> {
  const generator = bench.generator();
  await openSockets(target, generator, SENDERS);
  // Members of the room all the same, they may send into it.
  await generator.text(-1, `{"type":"room.leave","data":{"roomId":"${ROOM}"}}`);
  const measured = await measuredRun(target, generator, {
    rate: 0,
    window: WINDOW,
    seconds: bench.options.duration,
    warm: bench.options.warm,
    bytes: TEXT_BYTES,
    streams: Array.from({ length: SENDERS }, (_, socket) => ({ socket, room: ROOM, members: 0 })),
  });
  generator.stop();
  const { acksPerSecond, complaints, ledger } = measured;
  bench.log(
    `sends: ${Math.round(acksPerSecond)} acknowledged/s, p99 ${ledger.ack.p99.toFixed(1)} ms; ${describeRun(measured)}`,
  );
  const redisBenchmark = await benchmark(bench, target, 1);
  const redisBenchmarkPipelined = await benchmark(bench, target, 16);
  return { perSecond: acksPerSecond, ack: ledger.ack, complaints, redisBenchmark, redisBenchmarkPipelined };
}

/** The append script with the same arguments; the replica hears it as its own echo, as it hears its own sends. */
async function benchmark(bench: Bench, target: ChatTarget, pipeline: number): Promise<number | undefined> {
  const sha = String(await target.redis.script('LOAD', readFileSync(SCRIPT, 'utf8')));
  const { head, mid, tail } = draft(1, ROOM, '~'.padEnd(TEXT_BYTES, 'x'), '00.00000000', false);
  const envelope = messageEnvelopeHead(target.cluster.realtime[0]!.serverId);
  const roomKeys = [keys.room(ROOM), keys.roomRetried(ROOM)];
  const append = [
    ...roomKeys,
    CHANNEL,
    envelope,
    ROOM_LIMIT,
    MAX_DATE_AHEAD,
    RETRY_WINDOW,
    head,
    mid,
    tail,
    '',
  ];
  const run = async (requests: number) => {
    const { port } = new URL(target.cluster.redis.url);
    const options = ['-p', port, '-c', '50', '-P', pipeline, '-n', requests, '--csv'];
    return rateOf(
      await output('redis-benchmark', [...options, 'evalsha', sha, roomKeys.length, ...append].map(String)),
    );
  };
  // A short one says how many requests the wanted time takes.
  const rough = await run(20_000);
  if (rough === undefined) return undefined;
  const rate = await run(Math.round(rough * bench.options.duration));
  bench.log(
    `sends: redis-benchmark ${Math.round(rate ?? 0)}/s with the same script, ${pipeline} at a time per connection`,
  );
  return rate;
}

/** The first of the numbers after the name of the test, which holds commas and quotes itself. */
function rateOf(csv: string | undefined): number | undefined {
  const rate = Number(/"([\d.]+)"(?:,"[\d.]+")*\s*$/.exec(csv ?? '')?.[1]);
  return rate > 0 ? rate : undefined;
}

/** Undefined when the program is not there. */
function output(command: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(undefined) : reject(error),
    );
    child.once('close', () => resolve(text));
  });
}
