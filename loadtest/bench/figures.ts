import { flaws } from './ledger.ts';
import type { Measured } from './measured-run.ts';
import type { FanoutPoint } from './measures/fanout.ts';
import type { Floor } from './measures/floor.ts';
import type { Results, ServerResults } from './results.ts';
import { count } from './table.ts';

/** One figure beside what it should be. */
export interface Row {
  what: string;
  reach: string;
  measured: string;
  /** Undefined for what is only shown, or not compared as it should be. */
  met: boolean | undefined;
}

const KB = 1024;

/** What was measured of the figures that the project set itself. */
export function targetRows(results: Results): Row[] {
  return [
    ...ceilingRows(results),
    ...floorRows(results),
    ...latencyRows(results),
    ...idleRows(results),
    ...singleRows(results),
    ...gatewayRows(results),
    ...httpRows(results),
    ...abuseRows(results),
    ...presenceRows(results),
  ];
}

/** A figure of runs with these flaws: with any it does not count, and nothing is reached. */
function judged(row: Row, found: readonly string[]): Row {
  if (found.length === 0) return row;
  return { ...row, measured: `${row.measured}; does not count: ${found.join(', ')}`, met: false };
}

function flawsOf({ complaints, ledger }: Measured): string[] {
  return flaws(complaints, ledger.latency);
}

function ceilingRows({ chat: { ceiling }, socketio }: Results): Row[] {
  if (!ceiling) return [];
  const what = 'deliveries/s at p99 <= 200 ms into a room of 900, against Socket.IO';
  const reach = '>= 25 times';
  const { best } = ceiling;
  if (!best) return [{ what, reach, measured: 'no rate held', met: false }];
  const peer = socketio.ceiling?.best;
  const ratio = peer && best.deliveriesPerSecond / peer.deliveriesPerSecond;
  const measured = `${count(best.deliveriesPerSecond)} to ${peer ? count(peer.deliveriesPerSecond) : '?'}: ${times(ratio)}`;
  return [{ what, reach, measured, met: ratio === undefined ? undefined : ratio >= 25 }];
}

const FLOOR_TARGETS: [rate: number, most: number][] = [
  [20, 1.6],
  [300, 0.5],
  [1000, 0.2],
];

function floorRows({ chat, floor = [] }: Results): Row[] {
  return FLOOR_TARGETS.flatMap(([rate, most]) => {
    const point = at(chat, rate);
    const base = floorFor(rate, floor);
    if (!point || !base) return [];
    const ratio = point.cpuPerDelivery / base.cpuPerSend;
    const row = {
      what: `CPU of the servers per delivery at ${rate} messages/s into the room, to one send() a frame`,
      reach: `<= ${most} times`,
      measured: `${point.cpuPerDelivery.toFixed(2)} us to ${base.cpuPerSend.toFixed(2)} us (at ${base.rate}/s): ${times(ratio)}`,
      met: ratio <= most,
    };
    return judged(row, [...flawsOf(point), ...base.complaints]);
  });
}

/**
 * The floor at the same rate; for rates at which none was measured the lowest one, as a busier machine makes a send()
 * cheaper. One that does not count is taken where there is no other.
 */
function floorFor(rate: number, floors: readonly Floor[]): Floor | undefined {
  const same = floors.find((floor) => floor.rate === rate);
  if (same) return same;
  const whole = floors.filter(({ complaints }) => complaints.length === 0);
  return (whole.length > 0 ? whole : [...floors]).sort((a, b) => a.cpuPerSend - b.cpuPerSend)[0];
}

function latencyRows({ chat, socketio }: Results): Row[] {
  return [100, 300].flatMap((rate) => {
    const point = at(chat, rate);
    if (!point) return [];
    const own = flawsOf(point);
    const { p99 } = point.ledger.latency;
    const alone = {
      what: `p99 at ${rate} messages/s into the room of 900`,
      reach: '<= 50 ms',
      measured: `${p99.toFixed(1)} ms`,
      met: p99 <= 50,
    };
    const peer = at(socketio, rate);
    return [judged(alone, own), ...(peer ? [judged(beside(p99, peer), own)] : [])];
  });
}

function beside(p99: number, peer: FanoutPoint): Row {
  const other = peer.ledger.latency.p99;
  const lost = flawsOf(peer);
  const row = { what: `the same to Socket.IO's`, reach: '<= 0.2 times' };
  const measured = `${p99.toFixed(1)} ms to ${other.toFixed(1)} ms`;
  if (lost.length > 0)
    return {
      ...row,
      measured: `${measured}; Socket.IO's does not count: ${lost.join(', ')}`,
      met: undefined,
    };
  const ratio = p99 / other;
  return { ...row, measured: `${measured}: ${times(ratio)}`, met: ratio <= 0.2 };
}

function idleRows({ chat, socketio }: Results): Row[] {
  const { idle } = chat;
  if (!idle) return [];
  const peer = socketio.idle;
  const memory = peer && idle.bytesPerSocket / peer.bytesPerSocket;
  const speed = peer && idle.warm.perSecond / peer.warm.perSecond;
  return [
    {
      what: `RSS per idle signed-in socket, ${count(idle.sockets)} on one replica`,
      reach: '<= 3 KB, <= 0.25 of Socket.IO',
      measured: `${kilobytes(idle.bytesPerSocket)} to ${peer ? kilobytes(peer.bytesPerSocket) : '?'}: ${times(memory)}`,
      met: both(idle.bytesPerSocket <= 3 * KB, memory === undefined ? undefined : memory <= 0.25),
    },
    {
      what: 'upgrades/s with session check on one replica, to Socket.IO without one',
      reach: '>= 2,500, >= 2 times',
      measured: `${count(idle.warm.perSecond)} (just started ${count(idle.cold.perSecond)}) to ${peer ? count(peer.warm.perSecond) : '?'}: ${times(speed)}`,
      met: both(idle.warm.perSecond >= 2500, speed === undefined ? undefined : speed >= 2),
    },
  ];
}

/** What has two limits is missed by one, and reached by both. */
function both(own: boolean, compared: boolean | undefined): boolean | undefined {
  return own ? compared : false;
}

function singleRows({ chat: { hop, sends, rooms } }: Results): Row[] {
  const rows: Row[] = [];
  if (hop) {
    const { p50, p99 } = hop.stored;
    const row = {
      what: 'relay hop, idle: stored on one replica to received from another',
      reach: 'p99 <= 3 ms',
      measured: `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
      met: p99 <= 3,
    };
    rows.push(judged(row, flaws(hop.complaints, hop.stored)));
  }
  if (sends) {
    const { perSecond, redisBenchmark: alone, redisBenchmarkPipelined: pipelined } = sends;
    const share = alone && perSecond / alone;
    const row = {
      what: 'acknowledged sends/s into one room, nobody listening, to redis-benchmark with the same script',
      reach: '>= 0.6 times',
      measured: `${count(perSecond)} to ${alone ? count(alone) : '?'}: ${times(share)} (to ${pipelined ? count(pipelined) : '?'} with pipelining: ${times(pipelined && perSecond / pipelined)})`,
      met: share === undefined ? undefined : share >= 0.6,
    };
    rows.push(judged(row, flaws(sends.complaints, sends.ack)));
  }
  if (rooms) {
    const row = {
      what: '10,000 rooms of 10 to one room of 900 at the same deliveries/s: CPU of the servers per delivery',
      reach: '<= 1.3 times',
      measured: `${rooms.many.cpuPerDelivery.toFixed(2)} us to ${rooms.one.cpuPerDelivery.toFixed(2)} us: ${times(rooms.ratio)}`,
      met: rooms.ratio <= 1.3,
    };
    rows.push(judged(row, [...flawsOf(rooms.one), ...flawsOf(rooms.many)]));
  }
  return rows;
}

function gatewayRows({ chat: { gateway = [], fanout } }: Results): Row[] {
  return gateway.map((point) => {
    const direct = fanout?.find(({ rate }) => rate === point.rate);
    const row = {
      what: `through the gateway at ${point.rate} messages/s: CPU of HAProxy and of the servers per delivery; p99`,
      reach: 'shown',
      measured:
        `${point.gatewayCpuPerDelivery.toFixed(2)} us and ${point.cpuPerDelivery.toFixed(2)} us; ${point.ledger.latency.p99.toFixed(1)} ms` +
        (direct
          ? ` (socket plane ${direct.cpuPerDelivery.toFixed(2)} us; ${direct.ledger.latency.p99.toFixed(1)} ms)`
          : ''),
      met: undefined,
    };
    return judged(row, flawsOf(point));
  });
}

function httpRows({ chat: { pages, logins } }: Results): Row[] {
  const rows: Row[] = [];
  if (pages) {
    const { bare, shared, oneRoom, manyRooms } = pages;
    const share = oneRoom.requestsPerSecond / bare.requestsPerSecond;
    rows.push(
      {
        what: 'GET /room/0/messages?size=50 by 64 clients at once, to a bare Koa handler that serves the same bytes',
        reach: '>= 0.6 times',
        measured: `${count(oneRoom.requestsPerSecond)} to ${count(bare.requestsPerSecond)}/s: ${times(share)}`,
        met: share >= 0.6,
      },
      {
        what: 'the same with what all services share around the handler; 64 rooms read in turn',
        reach: 'shown',
        measured: `${count(shared.requestsPerSecond)}/s: ${times(oneRoom.requestsPerSecond / shared.requestsPerSecond)}; ${count(manyRooms.requestsPerSecond)}/s`,
        met: undefined,
      },
    );
  }
  if (logins) {
    const share = logins.perSecond / logins.bcryptPerSecond;
    rows.push({
      what: 'logins/s of one auth process, to bcrypt alone on the same cores',
      reach: '>= 0.9 times',
      measured: `${logins.perSecond.toFixed(1)} to ${logins.bcryptPerSecond.toFixed(1)}: ${times(share)}`,
      met: share >= 0.9,
    });
  }
  return rows;
}

/** Times a message of as many bytes that a request may cost which nothing bounds. */
const UNCHARGED_TIMES = 50;

function abuseRows({ chat: { abuse = [] } }: Results): Row[] {
  const free = abuse.filter(({ charged }) => charged === '');
  const [worst] = free.sort((a, b) => b.ratio - a.ratio);
  if (!worst) return [];
  return [
    {
      what: 'CPU that a request buys whose number nothing bounds, to a message of as many bytes; the worst',
      reach: `<= ${UNCHARGED_TIMES} times`,
      measured: `${worst.what}: ${times(worst.ratio)}`,
      met: worst.ratio <= UNCHARGED_TIMES,
    },
  ];
}

function presenceRows({ chat: { presence, online } }: Results): Row[] {
  const rows: Row[] = [];
  if (presence) {
    const row = {
      what: `${count(presence.sockets)} sockets on a replica, 20 others that tell of ${presence.changesPerSecond} changes a second: cores of the replica`,
      reach: '<= 0.05',
      measured: `${presence.cores.toFixed(3)}; ${presence.framesPerSocket.toFixed(2)} frames/s a socket`,
      met: presence.cores <= 0.05,
    };
    rows.push(judged(row, presence.complaints));
  }
  if (online) {
    const row = {
      what: `${count(online.readsPerSecond)} reads/s of GET /users/online with ${count(online.online)} online: cores of history and of Redis`,
      reach: '<= 0.2 and <= 0.02',
      measured: `${online.cores.toFixed(3)} and ${online.redisCores.toFixed(3)}`,
      met: online.cores <= 0.2 && online.redisCores <= 0.02,
    };
    rows.push(judged(row, online.complaints));
  }
  return rows;
}

function at({ fanout }: ServerResults, wanted: number): FanoutPoint | undefined {
  return fanout?.find(({ rate }) => rate === wanted);
}

function times(ratio: number | undefined): string {
  if (ratio === undefined) return 'not compared';
  return `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)} times`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / KB).toFixed(2)} KB`;
}

/**
 * What this cluster lost in runs at rates that it should carry, one line a run. That a ceiling is passed, or that
 * Socket.IO loses something, is a result.
 */
export function losses({ chat, floor = [] }: Results): string[] {
  const { fanout = [], gateway = [], rooms, hop, sends, ceiling, presence, online } = chat;
  const runs: [what: string, found: string[]][] = [
    ...fanout.map((point): [string, string[]] => [`fan-out at ${point.rate}/s`, flawsOf(point)]),
    ...gateway.map((point): [string, string[]] => [`gateway at ${point.rate}/s`, flawsOf(point)]),
    ...floor.map(({ rate, complaints }): [string, string[]] => [`floor at ${rate}/s`, complaints]),
  ];
  if (hop) runs.push(['relay hop', flaws(hop.complaints, hop.stored)]);
  if (sends) runs.push(['sends', flaws(sends.complaints, sends.ack)]);
  if (rooms) runs.push(['one room', flawsOf(rooms.one)], ['many rooms', flawsOf(rooms.many)]);
  if (presence) runs.push(['presence', presence.complaints]);
  if (online) runs.push(['online', online.complaints]);
  if (ceiling && !ceiling.best) runs.push(['ceiling', ['no rate held']]);
  return runs.filter(([, found]) => found.length > 0).map(([what, found]) => `${what}: ${found.join(', ')}`);
}
