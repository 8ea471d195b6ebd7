import type { Bench } from '../bench.ts';
import { describeRun, type Measured, measuredRun } from '../measured-run.ts';
import { openSockets, senders } from '../room.ts';
import type { ChatTarget } from '../targets/chat.ts';
import type { Target } from '../targets/target.ts';
import { FANOUT_SOCKETS } from './fanout.ts';

export interface GatewayPoint extends Measured {
  rate: number;
  /** CPU of HAProxy per delivery, in microseconds. */
  gatewayCpuPerDelivery: number;
}

/** The same load through HAProxy's /ws. */
export async function measureGateway(
  bench: Bench,
  chat: ChatTarget,
  rates: readonly number[],
): Promise<GatewayPoint[]> {
  const { gateway } = chat.cluster;
  const port = Number(new URL(gateway.url).port);
  const target: Target = {
    ...{ name: 'gateway', wire: chat.wire, path: chat.path, redisPid: chat.redisPid },
    servers: chat.servers.map(({ pid }) => ({ pid, port })),
    tokens: (count) => chat.tokens(count),
    stored: (room) => chat.stored(room),
    stop: () => Promise.resolve(),
  };
  const generator = bench.generator();
  await openSockets(target, generator, FANOUT_SOCKETS);
  const points: GatewayPoint[] = [];
  for (const rate of rates) {
    const measured = await measuredRun(
      target,
      generator,
      {
        rate,
        seconds: bench.options.duration,
        warm: bench.options.warm,
        streams: senders(target, FANOUT_SOCKETS),
      },
      { gateway: [gateway.pid] },
    );
    const gatewayCpuPerDelivery =
      (measured.cpuPerDelivery * measured.cores.gateway!) / measured.cores.servers!;
    points.push({ rate, ...measured, gatewayCpuPerDelivery });
    bench.log(
      `gateway ${rate}/s: ${gatewayCpuPerDelivery.toFixed(2)} us of HAProxy per delivery; ${describeRun(measured)}`,
    );
  }
  generator.stop();
  return points;
}
