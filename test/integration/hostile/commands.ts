import fc from 'fast-check';
import { DATES, GARBAGE, LAYOUTS } from './foreign.ts';
import { DISTURBANCES } from './site.ts';

/** Which of the three rooms, replicas or members of a run. */
const room = fc.nat(2);
const replica = fc.nat(1);
const date = fc.constantFrom(...DATES);
const type = <const T extends string>(name: T) => fc.constant(name);

/** A foreign server writes a message into a room, publishes one, or both. */
const plant = fc.record({
  type: type('plant'),
  room,
  date,
  layout: fc.constantFrom(...LAYOUTS),
  how: fc.constantFrom('both', 'stored', 'published'),
  copies: fc.constantFrom(1, 1, 3),
});

/** It writes what is no message. */
const garbage = fc.record({
  type: type('garbage'),
  room,
  date,
  kind: fc.constantFrom(...GARBAGE),
  copies: fc.constantFrom(1, 3, 60),
});

/** Another server of this cluster appends; the rooms of more messages than a resume sends and a repair reads at once. */
const peer = fc.record({ type: type('peer'), room, count: fc.constantFrom(1, 1, 2, 3, 600, 1200) });

export const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: type('say'), talker: fc.nat(1), room, waits: fc.boolean() }),
  },
  { weight: 4, arbitrary: peer },
  { weight: 3, arbitrary: fc.record({ type: type('leave'), member: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ type: type('enter'), member: fc.nat(2), replica }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: type('disturb'), replica, how: fc.constantFrom(...DISTURBANCES) }),
  },
  { weight: 2, arbitrary: fc.record({ type: type('heal'), replica }) },
  { weight: 1, arbitrary: fc.record({ type: type('restart'), replica }) },
  { weight: 8, arbitrary: plant },
  { weight: 3, arbitrary: garbage },
  // In the order in which no subscriber expects them: the first one last.
  {
    weight: 2,
    arbitrary: fc.record({ type: type('shuffled'), room, count: fc.integer({ min: 2, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: type('repeated'), nth: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ type: type('retry') }) },
  { weight: 2, arbitrary: fc.record({ type: type('silent'), room }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: type('wrong type'), key: fc.constantFrom('user', 'room', 'rooms') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: type('clock'), offset: fc.constantFrom(0, 1800, -1800, 7200, -7200) }),
  },
  { weight: 2, arbitrary: fc.record({ type: type('wait'), ms: fc.constantFrom(30, 120, 300) }) },
  { weight: 1, arbitrary: fc.record({ type: type('much') }) },
);

export type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** What a foreign server wrote before the first member came, and what happens then. */
export const scenario = fc.record({
  before: fc.array(fc.oneof(plant, garbage, peer), { maxLength: 3, size: 'max' }),
  commands: fc.array(command, { minLength: 1, maxLength: 16, size: 'max' }),
});
