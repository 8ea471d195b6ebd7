import type { Bench } from '../bench.ts';
import type { Stream } from '../generator/generator.ts';
import { describeRun, type Measured, measuredRun } from '../measured-run.ts';
import { openSockets, senders } from '../room.ts';
import type { ChatTarget } from '../targets/chat.ts';
import { FANOUT_SOCKETS } from './fanout.ts';

const ROOMS = 10_000;
const MEMBERS = 10;
/** Messages a second into the one room; the many rooms get as many more as makes the same deliveries. */
const RATE = 20;

export interface ManyRooms {
  one: Measured;
  many: Measured;
  /** CPU of the servers per delivery, many rooms against one. */
  ratio: number;
}

/** Deliveries out of many small rooms against as many out of a large one, with the same sockets. */
export async function measureRooms(bench: Bench, target: ChatTarget): Promise<ManyRooms> {
  const { duration: seconds, warm } = bench.options;
  const users = await target.users(FANOUT_SOCKETS);
  bench.log(`making ${ROOMS} rooms of ${MEMBERS}`);
  // The step visits all users before it comes back to one, and spreads a room's members over the replicas.
  const places = Array.from({ length: ROOMS }, (_, room) =>
    Array.from({ length: MEMBERS }, (_, n) => ((room * MEMBERS + n) * STRIDE) % FANOUT_SOCKETS),
  );
  const ids = await target.rooms(places.map((members) => members.map((place) => users[place]!.id)));
  const generator = bench.generator();
  await openSockets(target, generator, FANOUT_SOCKETS);
  const one = await measuredRun(target, generator, {
    rate: RATE,
    seconds,
    warm,
    streams: senders(target, FANOUT_SOCKETS),
  });
  bench.log(`one room of ${FANOUT_SOCKETS}: ${describeRun(one)}`);
  const streams: Stream[] = ids.map((room, n) => ({ socket: places[n]![0]!, room, members: MEMBERS }));
  const rate = (RATE * FANOUT_SOCKETS) / MEMBERS;
  const many = await measuredRun(target, generator, { rate, seconds, warm, streams });
  bench.log(`${ROOMS} rooms of ${MEMBERS}: ${describeRun(many)}`);
  generator.stop();
  return { one, many, ratio: many.cpuPerDelivery / one.cpuPerDelivery };
}

/** Without a common divisor with the number of sockets. */
const STRIDE = 307;
