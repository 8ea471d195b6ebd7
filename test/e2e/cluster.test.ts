import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import type { ClusterFile } from '../harness/data-dir.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ replicas: 2, env: { DEMO_DATA: 'false' } });
});

afterAll(() => cluster.stop());

function file(): ClusterFile {
  return JSON.parse(readFileSync(join(cluster.dataDir.path, 'cluster.json'), 'utf8')) as ClusterFile;
}

async function status(path: string): Promise<number> {
  return (await fetch(cluster.gateway.url + path)).status;
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come true within 30 s');
    await sleep(100);
  }
}

test('a killed replica is gone from cluster.json and the gateway until it is started again', async () => {
  const [first] = cluster.realtime;
  const serverId = first?.serverId;
  await cluster.killReplica(0);
  expect(file().realtime.map(({ url }) => url)).toEqual([cluster.realtime[1]?.url]);
  await eventually(async () => (await status('/replica/1/healthz')) === 503);
  expect(await status('/replica/2/healthz')).toBe(200);

  await cluster.startReplica(0);
  expect(file().realtime).toHaveLength(2);
  expect(first?.serverId).not.toBe(serverId);
  await eventually(async () => (await status('/replica/1/healthz')) === 200);
});

test('one more replica joins the balancing under the next number', async () => {
  expect(await status('/replica/3/healthz')).toBe(404);
  const third = await cluster.startReplica();
  expect(file().realtime[2]).toEqual({ serverId: third.serverId, url: third.url, pid: third.pid });
  await eventually(async () => (await status('/replica/3/healthz')) === 200);
});

test('Redis comes back on its port with its data, and the services with it', async () => {
  const redis = new Redis(cluster.redis.url);
  redis.on('error', () => undefined);
  await redis.set('greeting', 'hello');
  await cluster.killRedis();
  expect(file().redis.pid).toBeUndefined();
  await cluster.startRedis();
  expect(await redis.get('greeting')).toBe('hello');
  expect(file().redis.pid).toBe(cluster.redis.pid);
  await redis.quit();
  for (const service of [...cluster.auth, ...cluster.history, ...cluster.realtime]) {
    await eventually(async () => (await fetch(`${service.url}/readyz`)).status === 200);
  }
});
