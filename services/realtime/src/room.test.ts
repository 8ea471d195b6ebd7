import { createMetrics } from '@chat/kit';
import { expect, it } from 'vitest';
import { Fanout } from './fanout.ts';
import { frameText, messageFrame } from './frames-out.ts';
import { RealtimeMetrics } from './metrics.ts';
import { RedisClock } from './redis-clock.ts';
import { Room } from './room.ts';

const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'room-test' }));

function openRoom() {
  const room = new Room('0', {
    fanout: new Fanout([], metrics),
    metrics,
    clock: new RedisClock(),
    windowMs: 0,
    onMissing: () => undefined,
    onLost: () => undefined,
  });
  room.opensAt({ end: 0, recent: [], foreign: false, messages: [] });
  let date = 0;
  return {
    room,
    publish(count = 1, frame?: Uint8Array) {
      for (let n = 0; n < count; n++) {
        const prev = date++;
        room.offer({ date, prev, frame: frame ?? messageFrame(`${date}`) });
      }
    },
    /** The dates of what is kept, whoever it is kept for. */
    kept: () => Array.from(room.keptAfter(0), (message) => message.date),
  };
}

it('keeps for each parked peer what was published since it was parked', () => {
  const { room, publish } = openRoom();
  publish(2);
  const first = room.parkPeer();
  publish(2);
  const second = room.parkPeer();
  publish(1);
  expect(Array.from(room.keptAfter(first), ({ date }) => date)).toEqual([3, 4, 5]);
  expect(Array.from(room.keptAfter(second), ({ date }) => date)).toEqual([5]);
});

it('keeps nothing when nobody is parked', () => {
  const { room, publish, kept } = openRoom();
  publish(3);
  const place = room.parkPeer();
  publish(3);
  room.unparkPeer(place);
  publish(3);
  expect(kept()).toEqual([]);
});

it('forgets what only those waited for who are live now, though somebody is parked all the time', () => {
  const { room, publish, kept } = openRoom();
  let parked = room.parkPeer();
  for (let turn = 0; turn < 100; turn++) {
    publish(10);
    const next = room.parkPeer();
    room.unparkPeer(parked);
    parked = next;
    expect(kept()).toEqual([]);
  }
  publish(2);
  expect(kept()).toEqual([1001, 1002]);
});

it('goes on keeping for the first of the parked when a later one leaves before it', () => {
  const { room, publish, kept } = openRoom();
  const first = room.parkPeer();
  publish(1);
  const second = room.parkPeer();
  publish(1);
  room.unparkPeer(second);
  expect(kept()).toEqual([1, 2]);
  room.unparkPeer(first);
  expect(kept()).toEqual([]);
});

it('keeps for one of two that were parked at the same place', () => {
  const { room, publish, kept } = openRoom();
  const place = room.parkPeer();
  room.parkPeer();
  publish(1);
  room.unparkPeer(place);
  expect(kept()).toEqual([1]);
  room.unparkPeer(place);
  expect(kept()).toEqual([]);
});

it('does not hold on to what a kept frame was cut out of', () => {
  const { room, publish } = openRoom();
  room.parkPeer();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  publish(1, chunk.subarray(100, 300));
  const [message] = room.keptAfter(0);
  const frame = message!.frame as Uint8Array;
  expect(frameText(frame)).toBe('x'.repeat(200));
  expect(frame.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
});
