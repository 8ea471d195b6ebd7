import { createMetrics } from '@chat/kit';
import type { Rooms, Timeline } from '@chat/store';
import { beforeEach, expect, it } from 'vitest';
import { Fanout } from './fanout.ts';
import { messageFrame } from './frames-out.ts';
import { RealtimeMetrics } from './metrics.ts';
import type { Room } from './room.ts';
import { RoomRegistry } from './room-registry.ts';
import type { UsernameCache } from './username-cache.ts';

const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'registry-test' }));
/** Answers to the question for the last date, when the test gives them. */
let answerLast: ((date: number) => void)[];
let lost: [number, number][];
let registry: RoomRegistry;
let room: Room;

beforeEach(async () => {
  answerLast = [];
  lost = [];
  registry = new RoomRegistry({
    rooms: { info: async () => [{ id: '0', name: 'General' }] } as unknown as Rooms,
    // What matters is when it answers.
    timeline: {
      last: () => new Promise((resolve) => answerLast.push((date) => resolve([date]))),
      afterEach: async () => [[]],
    } as unknown as Timeline,
    usernames: {} as UsernameCache,
    metrics,
    roomOptions: {
      fanout: new Fanout([], metrics),
      metrics,
      windowMs: 0,
      onLost: (_, from, to) => lost.push([from, to]),
    },
    onRepairFailed: (error) => {
      throw error;
    },
  });
  const opening = registry.open(['0']);
  answerLast.shift()!(100);
  [room] = (await opening) as [Room];
});

const asked = (count: number) => expect.poll(() => answerLast.length).toBe(count);

it('notes once that Redis lost the end of a room, though two readings find it', async () => {
  const readings = [registry.repairAll(), registry.repairAll()];
  await asked(2);
  for (const answer of answerLast) answer(90);
  await Promise.all(readings);
  expect(lost).toEqual([[90, 100]]);
  expect(room.chained).toBe(90);
});

it('leaves a room alone that went on while its last date was read', async () => {
  const reading = registry.repairAll();
  await asked(1);
  room.offer({ date: 101, prev: 100, frame: messageFrame('101') });
  answerLast[0]!(100);
  await reading;
  expect(lost).toEqual([]);
  expect(room.chained).toBe(101);
});

it('leaves a room alone that went on from an earlier date while its last date was read', async () => {
  const reading = registry.repairAll();
  await asked(1);
  room.offer({ date: 101, prev: 90, frame: messageFrame('101') });
  answerLast[0]!(90);
  await reading;
  expect(lost).toEqual([[90, 100]]);
  expect(room.chained).toBe(101);
});
