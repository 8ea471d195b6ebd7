import { targetRows } from './figures.ts';
import type { Results, ServerResults } from './results.ts';
import { count, table } from './table.ts';

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
    ...floors(results),
    ...ceilings('this cluster', results.chat),
    ...ceilings('Socket.IO', results.socketio),
    ...abuse(results.chat),
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

function floors({ floor = [] }: Results): string[] {
  if (floor.length === 0) return [];
  const rows = floor.map(({ rate, bytes, cpuPerSend, complaints }) => [
    ...[String(rate), String(Math.round(bytes)), cpuPerSend.toFixed(2), complaints.join('; ') || 'nothing'],
  ]);
  return [
    ...['## The floor', '', 'One send() of one frame to one of 900 sockets, by a C program:', ''],
    ...[table(['messages/s', 'bytes', 'CPU us per send()', 'missed or doubled'], rows), ''],
  ];
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

function abuse({ abuse: costs }: Results['chat']): string[] {
  if (!costs) return [];
  const rows = costs.map(({ what, bytes, servicesCpu, redisCpu, memory, ratio, charged }) => [
    ...[
      what,
      count(bytes),
      count(servicesCpu),
      count(redisCpu),
      (memory / 2 ** 20).toFixed(0),
      ratio.toFixed(1),
    ],
    charged || 'nothing',
  ]);
  const head = [
    'request',
    'bytes',
    'CPU us: services',
    'Redis',
    'MB more',
    'to a message of as many bytes',
    'bounded by',
  ];
  return ['## What a request buys', '', table(head, rows), ''];
}

/** What the machine did that was none of the bench's. */
function othersCores({ chat, socketio }: Results): string {
  const runs = [...(chat.fanout ?? []), ...(socketio.fanout ?? []), ...(chat.gateway ?? [])];
  if (runs.length === 0) return '?';
  const sum = runs.reduce((total, { cores: { machine = 0, ...own } }) => {
    return total + machine - Object.values(own).reduce((a, b) => a + b, 0);
  }, 0);
  return Math.max(0, sum / runs.length).toFixed(2);
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return '';
  return met ? 'reached' : 'missed';
}
