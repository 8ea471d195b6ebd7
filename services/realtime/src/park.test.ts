import type { RecognizedString } from 'uWebSockets.js';
import { createMetrics } from '@chat/kit';
import { expect, it } from 'vitest';
import { Fanout } from './fanout.ts';
import { LocalUser } from './local-user.ts';
import { RealtimeMetrics } from './metrics.ts';
import { Park } from './park.ts';
import { Peer } from './peer.ts';
import { RedisClock } from './redis-clock.ts';
import { Room } from './room.ts';

const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'park-test' }));

/** A peer that keeps what it is sent. */
class ListeningPeer extends Peer {
  readonly open = true;
  readonly waiting = 0;
  readonly sent: string[] = [];
  send(frame: RecognizedString): void {
    this.sent.push(String(frame));
  }
  cork(callback: () => void): void {
    callback();
  }
  subscribe(): void {}
  unsubscribe(): void {}
  end(): void {}
  cut(): void {}
}

function openRoom(end: number): Room {
  const clock = new RedisClock();
  clock.heard(1000);
  const room = new Room('0', {
    fanout: new Fanout([], metrics),
    metrics,
    clock,
    windowMs: 0,
    onMissing: () => undefined,
    onLost: () => undefined,
  });
  room.opensAt({ end, recent: [end - 1, end], foreign: false, messages: [] });
  return room;
}

it('sends what was published after a reading, though Redis dated it before what the client had', () => {
  const room = openRoom(100);
  const peer = new ListeningPeer(new LocalUser(1, 'Pablo'), '');
  peer.park = new Park(peer, [room], 60_000, () => undefined);
  const { place } = room;
  // The clock was set back: Redis went on after 99.
  room.offer({ date: 99.5, prev: 99, frame: 'back' });
  peer.park.goLive(new Map([['0', { since: 100, place, messages: [] }]]));
  expect(peer.sent).toEqual(['back']);
  room.close();
});

it('does not send again what was published before a reading, or is in it', () => {
  const room = openRoom(100);
  const peer = new ListeningPeer(new LocalUser(1, 'Pablo'), '');
  peer.park = new Park(peer, [room], 60_000, () => undefined);
  const next = (date: number) => ({ date, prev: date - 1, frame: `${date}` });
  room.offer(next(101));
  const { place } = room;
  room.offer(next(102));
  room.offer(next(103));
  peer.park.goLive(new Map([['0', { since: 101, place, messages: [next(102)] }]]));
  expect(peer.sent).toEqual(['102', '103']);
});
