import { createMetrics } from '@chat/kit';
import { expect, it } from 'vitest';
import { Backpressure } from './backpressure.ts';
import { LocalUser } from './local-user.ts';
import { RealtimeMetrics } from './metrics.ts';
import { Peer } from './peer.ts';

/** A connection of which is only known what waits for it. */
class Waiting extends Peer {
  readonly open = true;
  waiting: number;

  constructor(waiting: number) {
    super(new LocalUser(1, 'Pablo'), '');
    this.waiting = waiting;
  }

  cut(): void {
    this.waiting = 0;
  }

  send(): void {}
  cork(): void {}
  subscribe(): void {}
  unsubscribe(): void {}
  end(): void {}
}

function open(...amounts: number[]) {
  const peers = amounts.map((amount) => new Waiting(amount));
  const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'backpressure' }));
  const backpressure = new Backpressure({ peers: () => [peers], metrics, maxBytes: 1000 });
  return { backpressure, metrics, left: () => peers.map(({ waiting }) => waiting), peers };
}

it('leaves all alone while a quarter of the bound is free', () => {
  const { backpressure, left } = open(0, 400, 350);
  backpressure.look();
  expect(backpressure.waiting).toBe(750);
  expect(left()).toEqual([0, 400, 350]);
});

it('cuts the fullest, and no more than it must', () => {
  const { backpressure, metrics, left } = open(100, 300, 20, 400, 200);
  backpressure.look();
  expect(left()).toEqual([100, 300, 20, 0, 200]);
  expect(backpressure.waiting).toBe(620);
  expect(metrics.slowConsumers).toBe(1);
});

it('counts none twice that was about to be closed', () => {
  const { backpressure, metrics, peers } = open(900, 10);
  peers[0]!.dropped = true;
  backpressure.look();
  expect(peers[0]!.waiting).toBe(0);
  expect(metrics.slowConsumers).toBe(0);
});

it('looks when a quarter of the bound was published', async () => {
  const { backpressure, left } = open(800);
  backpressure.published(249);
  backpressure.published(1);
  await expect.poll(left).toEqual([0]);
});
