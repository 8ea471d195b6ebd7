import { count, table } from '../table.ts';
import type { Curve } from './curve.ts';
import { HEADROOM, sizing, socketsByMemory } from './sizing.ts';

/** The curve as tables in Markdown. */
export function renderCurveReport(curve: Curve): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const knees = curve.knees.map((knee) => [
    String(knee.replicas),
    count(knee.members),
    count(knee.deliveriesPerSecond),
    count(knee.messagesPerSecond),
    knee.p99.toFixed(0),
    ...[knee.cpuPerDelivery, knee.serverCores, knee.redisCores, knee.generatorCores].map((n) => n.toFixed(2)),
  ]);
  const sizes = sizing(curve).map((size) => [
    count(size.members),
    count(size.deliveriesPerSecond),
    percent(size.cpuTarget),
    count(size.socketsAtOne),
    count(size.socketsAtFive),
  ]);
  const perSocket = (curve.bytesPerSocket / 1024).toFixed(2);
  return [
    '## Knees',
    '',
    table(
      [
        ...['replicas', 'members', 'deliveries/s', 'messages/s', 'p99 ms', 'CPU us per delivery'],
        ...['cores: servers', 'Redis', 'generator'],
      ],
      knees,
    ),
    '',
    ...curve.without.flatMap((point) => [`No rate held: ${point}.`, '']),
    `## One replica at ${percent(HEADROOM)} of its knee`,
    '',
    table(
      [
        ...['members', 'deliveries/s', 'CPU, of one core'],
        ...['sockets that receive 1 message/s each', 'sockets that receive 5 messages/s each'],
      ],
      sizes,
    ),
    '',
    `Idle sockets by memory alone: ${count(socketsByMemory(curve))} (${perSocket} KB each, in a container of 1 GiB).`,
    '',
  ].join('\n');
}
