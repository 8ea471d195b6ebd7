import { expect, it } from 'vitest';
import { losses, targetRows } from './figures.ts';
import type { Latency, Ledger } from './generator/generator.ts';
import type { Measured } from './measured-run.ts';
import { renderReport } from './report.ts';
import type { Results, ServerResults } from './results.ts';

const LOSS = '5 of 100 deliveries missing';

it('a fan-out that kept its promises and its times is reached', () => {
  const [p99] = rows({ fanout: [point(100)] });
  expect(p99).toMatchObject({ met: true, measured: '10.0 ms' });
});

it('a fan-out that lost something does not count, however fast it was', () => {
  const [p99] = rows({ fanout: [point(100, { complaints: [LOSS] })] });
  expect(p99).toMatchObject({ met: false });
  expect(p99!.measured).toContain(`does not count: ${LOSS}`);
});

it('a fan-out of which nothing was timed does not count', () => {
  const silent = point(100);
  silent.ledger.latency = latency(0, 0);
  const [p99] = rows({ fanout: [silent] });
  expect(p99).toMatchObject({ met: false });
  expect(p99!.measured).toContain('does not count');
});

it('what Socket.IO lost is no comparison', () => {
  const [own, ratio] = rows(
    { fanout: [point(100)] },
    { socketio: { fanout: [point(100, { complaints: [LOSS] })] } },
  );
  expect(own).toMatchObject({ met: true });
  expect(ratio).toMatchObject({ met: undefined });
  expect(ratio!.measured).toContain(`Socket.IO's does not count: ${LOSS}`);
});

it('no rate at all that holds is a ceiling that is missed', () => {
  expect(rows({ ceiling: { rate: 0, best: undefined, tried: [] } })).toMatchObject([{ met: false }]);
});

it('a relay hop of which messages were lost does not count', () => {
  const hop = { stored: latency(600, 1), remote: latency(600, 2), complaints: [LOSS] };
  expect(rows({ hop })).toMatchObject([{ met: false, measured: expect.stringContaining('does not count') }]);
});

it('a relay hop that no message took, as with one replica, does not count', () => {
  const hop = { stored: latency(0, 0), remote: latency(0, 0), complaints: [] };
  expect(rows({ hop })).toMatchObject([{ met: false }]);
});

it('rooms, sends and a gateway that lost something do not count', () => {
  const bad = measured({ complaints: [LOSS] });
  const rooms = { one: measured({}), many: bad, ratio: 1 };
  const sends = {
    perSecond: 1000,
    ack: latency(100, 1),
    complaints: [LOSS],
    redisBenchmark: 1000,
    redisBenchmarkPipelined: 1000,
  };
  const gateway = [{ ...point(20, { complaints: [LOSS] }), gatewayCpuPerDelivery: 1 }];
  const found = rows({ rooms, sends, gateway });
  expect(found).toHaveLength(3);
  for (const { measured } of found) expect(measured).toContain('does not count');
  expect(found.map(({ met }) => met)).toEqual([false, false, false]);
});

const FLOORS = [
  { rate: 20, bytes: 200, cpuPerSend: 8, complaints: [], p99: 1 },
  { rate: 100, bytes: 200, cpuPerSend: 6, complaints: [], p99: 1 },
];

it('20 messages a second are compared with the floor at that rate, more with the lowest floor', () => {
  const fanout = [
    point(20, { cpuPerDelivery: 8 }),
    point(300, { cpuPerDelivery: 3.5 }),
    point(1000, { cpuPerDelivery: 0.9 }),
  ];
  const found = rows({ fanout }, { floor: FLOORS }).filter(({ what }) => what.includes('send()'));
  expect(found.map(({ measured, met }) => [/to (\S+) us/.exec(measured)![1], met])).toEqual([
    ['8.00', true],
    ['6.00', false],
    ['6.00', true],
  ]);
});

it('a floor that missed frames is not the lowest', () => {
  const floor = [FLOORS[0]!, { ...FLOORS[1]!, complaints: ['2 frames missed'] }];
  const [row] = rows({ fanout: [point(300, { cpuPerDelivery: 3.5 })] }, { floor });
  expect(row!.measured).toContain('to 8.00 us');
});

it('the report shows each floor', () => {
  const report = renderReport(results({}, { floor: FLOORS }));
  expect(report).toContain('| 20 | 200 | 8.00 |');
  expect(report).toContain('| 100 | 200 | 6.00 |');
});

it('a run of this cluster that lost something is told, and one of Socket.IO is not', () => {
  const lossy = [point(20), point(100, { complaints: [LOSS] })];
  expect(losses(results({ fanout: lossy }, { socketio: { fanout: lossy } }))).toEqual([
    `fan-out at 100/s: ${LOSS}`,
  ]);
  const floor = [FLOORS[0]!, { ...FLOORS[1]!, complaints: ['2 frames missed'] }];
  expect(losses(results({}, { floor }))).toEqual(['floor at 100/s: 2 frames missed']);
  expect(losses(results({ ceiling: { rate: 0, best: undefined, tried: [] } }, {}))).toEqual([
    'ceiling: no rate held',
  ]);
});

it('what is to be compared with Socket.IO is not reached without it', () => {
  const upgrade = { perSecond: 9000, cpuPerUpgrade: 1, latency: latency(1, 1) };
  const idle = {
    sockets: 5000,
    bytesPerSocket: 1000,
    residentBefore: 1,
    residentAfter: 2,
    cold: upgrade,
    warm: upgrade,
  };
  expect(rows({ idle }).map(({ met }) => met)).toEqual([undefined, undefined]);
  expect(rows({ idle: { ...idle, bytesPerSocket: 9000 } })[0]).toMatchObject({ met: false });
  const peer = { ...idle, bytesPerSocket: 9000, warm: { ...upgrade, perSecond: 3000 } };
  expect(rows({ idle }, { socketio: { idle: peer } }).map(({ met }) => met)).toEqual([true, true]);
});

function rows(chat: Results['chat'], more: Partial<Results> = {}) {
  return targetRows(results(chat, more));
}

function results(chat: Results['chat'], more: Partial<Results>): Results {
  const machine = { cores: 2, cpu: '', memoryGb: 1, kernel: '', node: '', redis: '', generator: 'C' };
  return {
    startedAt: '',
    machine,
    replicas: 3,
    durationSeconds: 1,
    chat,
    socketio: {} as ServerResults,
    ...more,
  };
}

function point(rate: number, more: Partial<Measured> = {}) {
  return { rate, ...measured(more) };
}

function measured(more: Partial<Measured>): Measured {
  const ledger = { latency: latency(100, 10) } as Ledger;
  const cores = { servers: 1, redis: 0, generator: 1, machine: 2 };
  return {
    ledger,
    complaints: [],
    deliveriesPerSecond: 1,
    acksPerSecond: 1,
    cpuPerDelivery: 1,
    cores,
    ...more,
  };
}

function latency(count: number, ms: number): Latency {
  return { count, p50: ms, p90: ms, p99: ms, p999: ms, max: ms };
}
