import { CHANNEL } from '@chat/protocol';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { type RunningRedis, startRedis } from '../../../test/harness/redis.ts';
import { Appender, draft, memberOf } from './append.ts';
import { keys } from './keys.ts';

const LONG = { timeout: 30_000, interval: 20 };
let master: RunningRedis;
let replica: RunningRedis;
let redis: Redis;
let appender: Appender;

beforeAll(async () => {
  const args = ['--repl-diskless-sync-delay', '0'];
  master = await startRedis({ args });
  replica = await startRedis({ args: [...args, '--replicaof', '127.0.0.1', String(master.port)] });
  redis = new Redis(master.url);
  appender = new Appender(redis, { serverId: 'test', keep: 0, waitReplicas: () => 1, waitMs: 1000 });
  await vi.waitFor(async () => expect(await redis.wait(1, 1000)).toBe(1), LONG);
});
afterAll(async () => {
  redis.disconnect();
  await Promise.all([master.stop(), replica.stop()]);
});

/** What is published from now on. */
async function listen(): Promise<string[]> {
  const subscriber = new Redis(master.url);
  onTestFinished(() => subscriber.disconnect());
  const heard: string[] = [];
  subscriber.on('message', (_, envelope) => heard.push(envelope));
  await subscriber.subscribe(CHANNEL);
  return heard;
}

const sent = (cid: string, retry = false) => draft(1, '0', cid, cid, retry);
const members = () => redis.zrange(keys.room('0'), '0', '-1');
const envelope = (member: string) => `{"serverId":"test","type":"message","data":${member}}`;

it('publishes a message once a replica has it', async () => {
  const heard = await listen();
  const item = sent('replicated');
  const [appended] = await appender.append('0', [item]);
  await vi.waitFor(() => expect(heard).toEqual([envelope(memberOf(item, appended!))]), LONG);
});

it('publishes nothing that no replica has, until a retry finds it and a replica has it', async () => {
  const heard = await listen();
  process.kill(replica.pid!, 'SIGSTOP');
  onTestFinished(() => {
    process.kill(replica.pid!, 'SIGCONT');
  });
  await expect(appender.append('0', [sent('alone')])).rejects.toThrow('NOREPLICAS');
  const stored = (await members()).at(-1)!;
  expect(stored).toContain('"cid":"alone"');
  // Found is not replicated.
  await expect(appender.append('0', [sent('alone', true)])).rejects.toThrow('NOREPLICAS');
  await redis.publish(CHANNEL, 'so far');
  await vi.waitFor(() => expect(heard).toEqual(['so far']), LONG);
  process.kill(replica.pid!, 'SIGCONT');
  const next = sent('next');
  const [found, appended] = await vi.waitFor(() => appender.append('0', [sent('alone', true), next]), LONG);
  expect(found).toMatchObject({ stored: false, date: String(JSON.parse(stored).date.toFixed(6)) });
  const expected = ['so far', ...[stored, memberOf(next, appended!)].map(envelope)];
  await vi.waitFor(() => expect(heard).toEqual(expected), LONG);
  expect((await members()).slice(-2)).toEqual([stored, memberOf(next, appended!)]);
});
