import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { type Cluster, type ClusterOptions, startCluster } from '../harness/cluster.ts';
import { Ledger } from '../harness/ledger.ts';
import { formatReport, type LedgerReport } from '../harness/ledger-report.ts';
import { Crowd } from './crowd.ts';
import { repairsOf } from './metrics.ts';
import { FULL } from './scale.ts';

/** Everything is answered and delivered within this time after the last message was sent. */
const SETTLE_MS = 120_000;

/** A cluster with its Redis, for one test file. */
export interface Stage {
  cluster: Cluster;
  redis: Redis;
  close(): Promise<void>;
}

/** @param connect how the test itself reaches Redis */
export async function openStage(
  options: ClusterOptions = {},
  connect: (url: string) => Redis = (url) => new Redis(url),
): Promise<Stage> {
  // A replica that other tests keep from running for 2 s takes its own absence for that of Redis.
  const patience: NodeJS.ProcessEnv = FULL ? {} : { REDIS_TIMEOUT_MS: '5000' };
  const cluster = await startCluster({ ...options, env: { ...patience, ...options.env } });
  const redis = connect(cluster.redis.url);
  // A test that takes Redis away looks at the services and not at this connection.
  redis.on('error', () => undefined);
  return {
    cluster,
    redis,
    async close() {
      redis.disconnect();
      await cluster.stop();
    },
  };
}

export interface Scene {
  /** What the ledger is printed under. */
  title: string;
  count: number;
  /** Messages a second, all members together. */
  perSecond: number;
  /** Default: the gateway's /ws. */
  urls?: readonly string[];
  /** While they talk: the fault, until the time from which all has to be well again. */
  act: (crowd: Crowd, ledger: Ledger) => Promise<void>;
}

/** Lets a crowd talk while something happens, closes the ledger, prints it and expects that nothing was lost. */
export async function play(
  stage: Stage,
  { title, count, perSecond, urls, act }: Scene,
): Promise<LedgerReport> {
  const { cluster, redis } = stage;
  const ledger = new Ledger({ redis, repairs: await repairsOf(cluster) });
  const crowd = await Crowd.gather({
    redis,
    ledger,
    gatewayUrl: cluster.gateway.url,
    urls: urls ?? [`${cluster.gateway.url}/ws`],
    count,
  });
  try {
    crowd.talk(perSecond);
    await act(crowd, ledger);
    crowd.hush();
    const report = await ledger.close(SETTLE_MS);
    console.log(formatReport(`${title}, ${count} clients`, report));
    expectWhole(report);
    return report;
  } finally {
    crowd.close();
  }
}

/** Every message that was sent is answered, stored once, and delivered once and in order to all who were there. */
export function expectWhole(report: LedgerReport): void {
  const { problems, lost, duplicated, outOfOrder, unanswered } = report;
  expect({ problems, lost, duplicated, outOfOrder, unanswered }).toEqual({
    problems: [],
    lost: 0,
    duplicated: 0,
    outOfOrder: 0,
    unanswered: 0,
  });
  expect(report.stored).toBe(report.acknowledged);
}
