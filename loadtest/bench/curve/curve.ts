import type { Bench } from '../bench.ts';
import type { Generator, Stream } from '../generator/generator.ts';
import { measureCeiling } from '../measures/ceiling.ts';
import { measureIdle } from '../measures/idle.ts';
import { openSockets, senders } from '../room.ts';
import { ChatTarget } from '../targets/chat.ts';

const SOCKETS = 1000;
const REPLICAS = [1, 2, 3, 4];
/** Members of a room; every socket is in one. */
const SIZES = [10, 100, 1000];
/** Deliveries a second to begin with: small rooms join less, so each delivery costs more. */
const FROM: Record<number, number> = { 10: 40_000, 100: 80_000, 1000: 400_000 };

/** The knee of one combination: the most that it carries at p99 <= 200 ms with nothing lost. */
export interface Knee {
  replicas: number;
  members: number;
  deliveriesPerSecond: number;
  messagesPerSecond: number;
  p99: number;
  cpuPerDelivery: number;
  /** Cores at the knee. */
  serverCores: number;
  redisCores: number;
  generatorCores: number;
}

export interface Curve {
  sockets: number;
  knees: Knee[];
  /** Where no rate held, in words. */
  without: string[];
  /** RSS of an idle socket on one replica, in bytes, and of a replica without any. */
  bytesPerSocket: number;
  residentBefore: number;
}

/**
 * Finds the knee for each number of replicas and each size of rooms.
 *
 * @param save is given what there is after each of them
 */
export async function measureCurve(bench: Bench, save: (soFar: Curve) => void): Promise<Curve> {
  const log = (line: string) => bench.log(line);
  const single = bench.keep(await ChatTarget.start({ replicas: 1, log }));
  const { bytesPerSocket, residentBefore } = await measureIdle(bench, single);
  await single.stop();
  const curve: Curve = { sockets: SOCKETS, knees: [], without: [], bytesPerSocket, residentBefore };
  for (const replicas of REPLICAS) {
    // A Redis of its own each time: the rooms of the size before would be the sockets' rooms as well.
    for (const members of SIZES) {
      const target = bench.keep(await ChatTarget.start({ replicas, log }));
      const rooms = members === SOCKETS ? undefined : await makeRooms(target, members);
      const ceiling = await measureCeiling(bench, target, {
        from: FROM[members]! / members,
        open: async (generator: Generator) => {
          await openSockets(target, generator, SOCKETS);
          return rooms ?? senders(target, SOCKETS);
        },
      });
      await target.stop();
      const { best, rate } = ceiling;
      const point = `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}, rooms of ${members}`;
      if (!best) {
        curve.without.push(point);
        bench.log(`${point}: no rate held`);
        save(curve);
        continue;
      }
      const { deliveriesPerSecond, cpuPerDelivery, cores, ledger } = best;
      curve.knees.push({
        ...{
          replicas,
          members,
          deliveriesPerSecond,
          messagesPerSecond: rate,
          p99: ledger.latency.p99,
          cpuPerDelivery,
        },
        ...{ serverCores: cores.servers!, redisCores: cores.redis!, generatorCores: cores.generator! },
      });
      bench.log(`knee of ${point}: ${Math.round(deliveriesPerSecond)} deliveries/s`);
      save(curve);
    }
  }
  return curve;
}

/** Rooms whose members are spread over all replicas; the first of each sends. */
async function makeRooms(target: ChatTarget, members: number): Promise<Stream[]> {
  const users = await target.users(SOCKETS);
  const count = SOCKETS / members;
  const places = Array.from({ length: count }, (_, room) =>
    Array.from({ length: members }, (_, n) => n * count + room),
  );
  const ids = await target.rooms(places.map((each) => each.map((place) => users[place]!.id)));
  return ids.map((room, n) => ({ socket: places[n]![n % members]!, room, members }));
}
