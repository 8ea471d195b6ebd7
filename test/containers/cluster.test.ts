import { setTimeout as sleep } from 'node:timers/promises';
import { ChatApi } from '@chat/client';
import { GENERAL } from '@chat/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { ChatSocket } from '../harness/chat-socket.ts';
import { ContainerCluster, eventually } from './container-cluster.ts';
import { Crew, register } from './crew.ts';
import { prepared } from './engine.ts';

const { skipped, failed } = await prepared(inject('imagesPrepared'));

describe.skipIf(skipped)(`the cluster in containers${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
  let cluster: ContainerCluster;
  let crew: Crew | undefined;

  beforeAll(async () => {
    if (failed) throw new Error(failed);
    cluster = await ContainerCluster.start(3);
  });
  afterEach(() => {
    crew?.close();
    crew = undefined;
  });
  afterAll(() => cluster?.stop());

  async function talkingCrew(size = 6): Promise<Crew> {
    crew = await Crew.gather(cluster.url, size);
    crew.talk();
    await progress(crew);
    return crew;
  }

  /** Waits until more messages are acknowledged. */
  async function progress(talking: Crew): Promise<void> {
    const before = talking.acknowledged;
    await eventually(
      'messages to be stored',
      async () => talking.acknowledged >= before + 2 * talking.members.length,
    );
  }

  /** Nothing that was acknowledged is lost, and everybody saw everything, once and in order. */
  async function expectNothingLost(talking: Crew): Promise<void> {
    await talking.settle();
    const ledger = await talking.ledger(await cluster.stored(GENERAL));
    expect(ledger).toEqual({
      sent: talking.acknowledged,
      stored: talking.acknowledged,
      refused: [],
      lost: [],
      storedTwice: 0,
      incomplete: 0,
      outOfOrder: 0,
    });
  }

  async function onlineIds(token: string): Promise<Set<number>> {
    const users = await new ChatApi({ baseUrl: cluster.url, token }).online();
    return new Set(users.map(({ id }) => id));
  }

  it('carries a chat over all three replicas through the gateway', async () => {
    const talking = await talkingCrew();
    expect(new Set(talking.members.map(({ serverId }) => serverId)).size).toBe(3);
    await expectNothingLost(talking);
  });

  it('loses nothing when Redis hangs for some seconds', async () => {
    const talking = await talkingCrew();
    await cluster.pauseRedis();
    await sleep(6000);
    await cluster.unpauseRedis();
    await progress(talking);
    await expectNothingLost(talking);
  });

  it('loses nothing when a replica is cut off the network and comes back', async () => {
    const talking = await talkingCrew();
    const replica = cluster.replicaOf(talking.members[0]!.serverId);
    await cluster.cutOff(replica);
    const away = () => talking.members.some(({ serverId }) => cluster.replicaOf(serverId) === replica);
    await eventually('its clients to be elsewhere', async () => !away());
    await progress(talking);
    await cluster.plugIn(replica);
    await eventually('the replica to be ready again', async () => {
      return (await replica.exec(['probe', '8080', '/readyz'])).exitCode === 0;
    });
    await progress(talking);
    await expectNothingLost(talking);
  });

  it('loses nothing when a replica is killed, and shows its users offline and its clients elsewhere', async () => {
    const talking = await talkingCrew();
    const ghost = await register(cluster.url);
    const socket = await ChatSocket.connect(`${cluster.url.replace('http', 'ws')}/ws`, {
      token: ghost.token,
    });
    const { serverId } = await socket.next('hello');
    const { token } = talking.members[0]!.user;
    await eventually('the user to be online', async () => (await onlineIds(token)).has(ghost.id));

    await cluster.killReplica(cluster.replicaOf(serverId));
    await eventually('the user to be offline', async () => !(await onlineIds(token)).has(ghost.id));
    await eventually('everybody else to be online', async () => {
      const online = await onlineIds(token);
      return talking.members.every(({ user }) => online.has(user.id));
    });
    await cluster.addReplica();
    await progress(talking);
    await expectNothingLost(talking);
  });

  it('loses nothing while all replicas are replaced one by one, and each of them ends with 0', async () => {
    const talking = await talkingCrew();
    for (const old of [...cluster.replicas]) {
      await cluster.addReplica();
      expect(await cluster.retireReplica(old)).toBe(0);
      await progress(talking);
    }
    expect(cluster.replicas).toHaveLength(3);
    await eventually('everybody to be on a new replica', async () =>
      talking.members.every(({ serverId }) => cluster.has(serverId)),
    );
    await expectNothingLost(talking);
  });
});
