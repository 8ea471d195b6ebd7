import { GENERAL } from '@chat/protocol';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { ContainerCluster, eventually } from './container-cluster.ts';
import { Crew } from './crew.ts';
import { prepared } from './engine.ts';
import { Sentinels } from './sentinels.ts';

const { skipped, failed } = await prepared(inject('imagesPrepared'));

describe.skipIf(skipped)(`the overlay ha in containers${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
  let cluster: ContainerCluster;
  let sentinels: Sentinels;

  beforeAll(async () => {
    if (failed) throw new Error(failed);
    cluster = await ContainerCluster.start(2, async (network) => {
      sentinels = await Sentinels.start(network);
      return sentinels;
    });
  });
  afterAll(() => cluster?.stop());

  it('follows a failover and keeps what was acknowledged; the pod that was lost joins as a replica', async () => {
    const crew = await Crew.gather(cluster.url, 4);
    onTestFinished(() => crew.close());
    crew.talk();
    const progress = async () => {
      const before = crew.acknowledged;
      await eventually('messages to be stored', async () => crew.acknowledged >= before + 20);
    };
    await progress();
    const lost = await sentinels.losePrimary();
    await eventually('a new primary', async () => (await sentinels.primary()) !== undefined);
    await progress();
    await sentinels.startPod(lost);
    await eventually('the pod to replicate', async () => {
      const { output } = await (await sentinels.primary()).exec(['redis-cli', 'info', 'replication']);
      return output.includes('connected_slaves:2');
    });
    await progress();
    await crew.settle();
    expect(await crew.ledger(await cluster.stored(GENERAL))).toMatchObject({
      refused: [],
      lost: [],
      storedTwice: 0,
      incomplete: 0,
      outOfOrder: 0,
    });
  });
});
