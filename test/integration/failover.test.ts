import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runFailover } from '../harness/failover.ts';
import { FAILOVER_SOON as LONG, type SentinelGroup, startSentinelGroup } from '../harness/sentinel.ts';

vi.setConfig({ testTimeout: 240_000 });
let group: SentinelGroup;
let port: number;
let redis: Redis;

beforeAll(async () => {
  group = await startSentinelGroup({ downAfterMs: 5000 });
  port = await group.masterPort();
  redis = new Redis(port);
});
afterAll(async () => {
  redis?.disconnect();
  await group?.stop();
});

const fail = (...args: string[]) => runFailover('--sentinels', group.addresses, ...args);

/** It is the primary as before, and takes writes. */
async function expectUnchanged(): Promise<void> {
  expect(await group.masterPort()).toBe(port);
  expect(await redis.set('unchanged', '1')).toBe('OK');
}

describe('scripts/failover.sh', () => {
  it('explains itself', async () => {
    const { code, said } = await runFailover('--help');
    expect(code).toBe(0);
    for (const option of ['--namespace', '--sentinels', '--name']) expect(said).toContain(option);
  });

  it.each([
    [['--what'], 2, '--sentinels'],
    [['--name'], 1, '--name needs a value'],
    [['--name', 'nobody'], 1, "does not know a primary 'nobody'"],
  ] as const)('refuses %j', async (args, code, words) => {
    const result = await fail(...args);
    expect(result).toMatchObject({ code, complained: expect.stringContaining(words) });
    await expectUnchanged();
  });

  it('lets the primary take writes again when a replica stays behind', async () => {
    const [replica] = [...group.servers.values()].filter((server) => server.port !== port);
    process.kill(replica!.pid!, 'SIGSTOP');
    onTestFinished(async () => {
      process.kill(replica!.pid!, 'SIGCONT');
      await group.whole();
    });
    await redis.set('behind', '1');
    const result = await fail();
    expect(result).toMatchObject({ code: 1, complained: expect.stringContaining('takes writes again') });
    await expectUnchanged();
  });

  it('moves the primary, and releases the old one as a replica', async () => {
    await redis.set('moved', '1');
    const result = await fail();
    expect(result).toMatchObject({ code: 0, complained: '' });
    const after = await group.masterPort();
    expect(after).not.toBe(port);
    expect(result.said.trim().split('\n')).toEqual([
      `the primary is 127.0.0.1:${port}`,
      'writes wait for 5000 ms at most',
      'all replicas have what it has',
      `127.0.0.1:${port} follows 127.0.0.1:${after}`,
      `the primary is 127.0.0.1:${after}`,
    ]);
    expect(await redis.get('moved')).toBe('1');
    const primary = new Redis(after);
    onTestFinished(() => primary.disconnect());
    await primary.set('after', '1');
    await vi.waitFor(async () => expect(await redis.get('after')).toBe('1'), LONG);
  });

  it('refuses when there is no replica', async () => {
    await group.whole();
    port = await group.masterPort();
    redis.disconnect();
    redis = new Redis(port);
    const [replica] = [...group.servers.keys()].filter((one) => one !== port);
    await group.kill(replica!);
    const result = await fail();
    expect(result).toMatchObject({
      code: 1,
      complained: expect.stringContaining('has no replica that is in sync'),
    });
    await expectUnchanged();
  });
});
