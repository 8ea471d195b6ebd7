import type { Socket } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { type CoalescedWrites, coalesceWrites } from './coalesce-writes.ts';

let admin: Redis;
let redis: Redis;
let coalesced: CoalescedWrites;
beforeAll(() => {
  admin = new Redis(inject('redisUrl'));
});
afterAll(() => admin.disconnect());
beforeEach(async () => {
  redis = new Redis(inject('redisUrl'), { retryStrategy: () => 10 });
  coalesced = coalesceWrites(redis);
  await redis.ping();
});
afterEach(() => redis.disconnect());

const numbers = Array.from({ length: 200 }, (_, index) => String(index));
const echoes = () => Promise.all(numbers.map((text) => redis.echo(text)));
const streamOf = (client: Redis) => (client as unknown as { stream: Socket }).stream;

/** Counts what reaches the socket: one call is one system call. */
function countWrites(stream: Socket): () => number {
  let count = 0;
  for (const name of ['_write', '_writev'] as const) {
    const original = stream[name]!.bind(stream) as (...args: unknown[]) => void;
    stream[name] = (...args: unknown[]) => {
      count++;
      original(...args);
    };
  }
  return () => count;
}

it('sends the commands of one turn in one write, and every command gets its own reply', async () => {
  const writes = countWrites(streamOf(redis));
  expect(await echoes()).toEqual(numbers);
  expect(writes()).toBe(1);
});

it('lets the last of a turn give commands, which leave with the others', async () => {
  const writes = countWrites(streamOf(redis));
  const late = new Promise<string>((resolve) => coalesced.beforeLeaving(() => resolve(redis.echo('late'))));
  expect(await Promise.all([redis.echo('early'), late])).toEqual(['early', 'late']);
  expect(writes()).toBe(1);
  // Also in a turn that has no other command.
  expect(await new Promise((resolve) => coalesced.beforeLeaving(() => resolve(redis.echo('alone'))))).toBe(
    'alone',
  );
});

it('sends at once what is flushed, with what waits for the end of the turn', async () => {
  const writes = countWrites(streamOf(redis));
  let late: Promise<string> | undefined;
  coalesced.beforeLeaving(() => {
    late = redis.echo('late');
  });
  const early = redis.echo('early');
  coalesced.flush();
  expect(writes()).toBe(1);
  expect(await Promise.all([early, late])).toEqual(['early', 'late']);
});

it('goes on after the connection was lost', async () => {
  const lost = new Promise((resolve) => redis.once('close', resolve));
  await admin.client('KILL', 'ID', await redis.client('ID'));
  await lost;
  await new Promise((resolve) => redis.once('ready', resolve));
  expect(await echoes()).toEqual(numbers);
  const writes = countWrites(streamOf(redis));
  await echoes();
  expect(writes()).toBe(1);
});

it('carries pipelines and binary arguments', async () => {
  const key = `coalesce-${process.pid}`;
  const bytes = Buffer.from([0, 255, 10, 13]);
  const [, replies] = await Promise.all([
    redis.ping(),
    redis.pipeline().set(key, bytes).getBuffer(key).del(key).exec(),
  ]);
  expect(replies!.map(([, reply]) => reply)).toEqual(['OK', bytes, 1]);
});
