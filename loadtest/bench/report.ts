import type { FanoutPoint } from './measures/fanout.ts';
import type { Results, ServerResults } from './results.ts';
import { table } from './table.ts';

/** One figure beside what it should be. */
export interface Row {
  what: string;
  reach: string;
  measured: string;
  /** Undefined for what is only shown. */
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
  ];
}

function ceilingRows({ chat, socketio }: Results): Row[] {
  const best = chat.ceiling?.best;
  if (!best) return [];
  const peer = socketio.ceiling?.best;
  const ratio = peer && best.deliveriesPerSecond / peer.deliveriesPerSecond;
  return [
    {
      what: 'deliveries/s at p99 <= 200 ms into a room of 900, against Socket.IO',
      reach: '>= 25 times',
      measured: `${count(best.deliveriesPerSecond)} to ${peer ? count(peer.deliveriesPerSecond) : '?'}: ${times(ratio)}`,
      met: ratio === undefined ? undefined : ratio >= 25,
    },
  ];
}

const FLOOR_TARGETS: [rate: number, most: number][] = [
  [20, 1.6],
  [300, 0.5],
  [1000, 0.2],
];

function floorRows({ chat, floor }: Results): Row[] {
  const base = floor?.find(({ rate }) => rate === 20);
  return FLOOR_TARGETS.flatMap(([rate, most]) => {
    const point = at(chat, rate);
    if (!point || !base) return [];
    const ratio = point.cpuPerDelivery / base.cpuPerSend;
    return {
      what: `CPU of the servers per delivery at ${rate} messages/s into the room, to one send() a frame`,
      reach: `<= ${most} times`,
      measured: `${point.cpuPerDelivery.toFixed(2)} us to ${base.cpuPerSend.toFixed(2)} us: ${times(ratio)}`,
      met: ratio <= most && base.whole,
    };
  });
}

function latencyRows({ chat, socketio }: Results): Row[] {
  return [100, 300].flatMap((rate) => {
    const point = at(chat, rate);
    if (!point) return [];
    const { p99 } = point.ledger.latency;
    const rows: Row[] = [
      {
        what: `p99 at ${rate} messages/s into the room of 900`,
        reach: '<= 50 ms',
        measured: `${p99.toFixed(1)} ms`,
        met: p99 <= 50,
      },
    ];
    const peer = at(socketio, rate)?.ledger.latency.p99;
    if (peer !== undefined) {
      const ratio = p99 / peer;
      rows.push({
        what: `the same to Socket.IO's`,
        reach: '<= 0.2 times',
        measured: `${p99.toFixed(1)} ms to ${peer.toFixed(1)} ms: ${times(ratio)}`,
        met: ratio <= 0.2,
      });
    }
    return rows;
  });
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
      met: idle.bytesPerSocket <= 3 * KB && (memory === undefined || memory <= 0.25),
    },
    {
      what: 'upgrades/s with session check on one replica, to Socket.IO without one',
      reach: '>= 2,500, >= 2 times',
      measured: `${count(idle.warm.perSecond)} (just started ${count(idle.cold.perSecond)}) to ${peer ? count(peer.warm.perSecond) : '?'}: ${times(speed)}`,
      met: idle.warm.perSecond >= 2500 && (speed === undefined || speed >= 2),
    },
  ];
}

function singleRows({ chat: { hop, sends, rooms } }: Results): Row[] {
  const rows: Row[] = [];
  if (hop)
    rows.push({
      what: 'relay hop, idle: stored on one replica to received from another',
      reach: 'p99 <= 3 ms',
      measured: `p50 ${hop.p50.toFixed(2)} ms, p99 ${hop.p99.toFixed(2)} ms`,
      met: hop.p99 <= 3,
    });
  if (sends) {
    const { perSecond, redisBenchmark: alone, redisBenchmarkPipelined: pipelined } = sends;
    const share = alone && perSecond / alone;
    rows.push({
      what: 'acknowledged sends/s into one room, nobody listening, to redis-benchmark with the same script',
      reach: '>= 0.6 times',
      measured: `${count(perSecond)} to ${alone ? count(alone) : '?'}: ${times(share)} (to ${pipelined ? count(pipelined) : '?'} with pipelining: ${times(pipelined && perSecond / pipelined)})`,
      met: share === undefined ? undefined : share >= 0.6,
    });
  }
  if (rooms)
    rows.push({
      what: '10,000 rooms of 10 to one room of 900 at the same deliveries/s: CPU of the servers per delivery',
      reach: '<= 1.3 times',
      measured: `${rooms.many.cpuPerDelivery.toFixed(2)} us to ${rooms.one.cpuPerDelivery.toFixed(2)} us: ${times(rooms.ratio)}`,
      met: rooms.ratio <= 1.3,
    });
  return rows;
}

function gatewayRows({ chat: { gateway = [], fanout } }: Results): Row[] {
  return gateway.map((point) => {
    const direct = fanout?.find(({ rate }) => rate === point.rate);
    return {
      what: `through the gateway at ${point.rate} messages/s: CPU of HAProxy and of the servers per delivery; p99`,
      reach: 'shown',
      measured:
        `${point.gatewayCpuPerDelivery.toFixed(2)} us and ${point.cpuPerDelivery.toFixed(2)} us; ${point.ledger.latency.p99.toFixed(1)} ms` +
        (direct
          ? ` (socket plane ${direct.cpuPerDelivery.toFixed(2)} us; ${direct.ledger.latency.p99.toFixed(1)} ms)`
          : ''),
      met: undefined,
    };
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

/** The report of a run in Markdown. */
export function renderReport(results: Results): string {
  const { machine, startedAt, replicas, durationSeconds } = results;
  const rows = targetRows(results).map(({ what, reach, measured, met }) => [
    what,
    reach,
    measured,
    verdict(met),
  ]);
  return [
    `# Bench of ${startedAt}`,
    '',
    `${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}, ` +
      `Redis ${machine.redis}. ${replicas} replicas; generator (${machine.generator}), servers and Redis share the machine. ` +
      `Runs of ${durationSeconds} s. Other work on the machine used ${othersCores(results)} cores on average.`,
    '',
    '## Figures to reach',
    '',
    table(['what', 'reach', 'measured', ''], rows),
    '',
    '## Fan-out into a room of 900',
    '',
    table(
      [
        'servers',
        'messages/s',
        'deliveries/s',
        'p50 ms',
        'p99 ms',
        'max ms',
        'CPU us per delivery',
        'cores: servers',
        'Redis',
        'generator',
        'lost or doubled',
      ],
      [...points('this cluster', results.chat), ...points('Socket.IO', results.socketio)],
    ),
    '',
    ...ceilings('this cluster', results.chat),
    ...ceilings('Socket.IO', results.socketio),
  ].join('\n');
}

function points(name: string, { fanout = [] }: ServerResults): string[][] {
  return fanout.map(({ rate, ledger: { latency }, cores, ...point }) => [
    name,
    String(rate),
    count(point.deliveriesPerSecond),
    ...[latency.p50, latency.p99, latency.max].map((ms) => ms.toFixed(1)),
    ...[point.cpuPerDelivery, cores.servers!, cores.redis!, cores.generator!].map((value) =>
      value.toFixed(2),
    ),
    point.complaints.join('; ') || 'nothing',
  ]);
}

function ceilings(name: string, { ceiling }: ServerResults): string[] {
  if (!ceiling) return [];
  const rows = ceiling.tried.map(({ rate, held, deliveriesPerSecond, p99, why }) => [
    String(Math.round(rate)),
    count(deliveriesPerSecond),
    p99.toFixed(0),
    held ? 'holds' : why || 'too slow',
  ]);
  return [`## Ceiling of ${name}`, '', table(['messages/s', 'deliveries/s', 'p99 ms', ''], rows), ''];
}

/** What the machine did that was none of the bench's. */
export function othersCores({ chat, socketio }: Results): string {
  const runs = [...(chat.fanout ?? []), ...(socketio.fanout ?? []), ...(chat.gateway ?? [])];
  if (runs.length === 0) return '?';
  const sum = runs.reduce((total, { cores: { machine = 0, ...own } }) => {
    return total + machine - Object.values(own).reduce((a, b) => a + b, 0);
  }, 0);
  return Math.max(0, sum / runs.length).toFixed(2);
}

function at({ fanout }: ServerResults, wanted: number): FanoutPoint | undefined {
  return fanout?.find(({ rate }) => rate === wanted);
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return '';
  return met ? 'reached' : 'missed';
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function times(ratio: number | undefined): string {
  if (ratio === undefined) return 'not compared';
  return `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)} times`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / KB).toFixed(2)} KB`;
}
