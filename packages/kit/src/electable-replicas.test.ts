import { expect, it, onTestFinished, vi } from 'vitest';
import { FAILOVER_SOON as LONG, startSentinelGroup } from '../../../test/harness/sentinel.ts';
import { baseSchema, loadConfig } from './config.ts';
import { ElectableReplicas } from './electable-replicas.ts';
import { redisPlace } from './redis.ts';

vi.setConfig({ testTimeout: 240_000 });

it('counts the replicas that follow the master, without one that is down', async () => {
  const group = await startSentinelGroup({ replicas: 2 });
  onTestFinished(() => group.stop());
  const place = redisPlace(loadConfig(baseSchema, { REDIS_SENTINELS: group.addresses }));
  const electable = new ElectableReplicas({ ...place, sentinels: place.sentinels! });
  onTestFinished(() => electable.close());
  await expect.poll(() => electable.count, LONG).toBe(2);
  const master = await group.masterPort();
  const replica = [...group.servers.keys()].find((port) => port !== master)!;
  await group.kill(replica);
  await expect.poll(() => electable.count, LONG).toBe(1);
  await group.restart(replica);
  await expect.poll(() => electable.count, LONG).toBe(2);
});
