import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, residentBytes } from '../../proc-stat.ts';
import type { Bench } from '../bench.ts';
import type { ChatTarget } from '../targets/chat.ts';
import { type Abuse, abuses, CLIENTS } from './abuse-requests.ts';

/** Milliseconds between two looks at the memory. */
const LOOK_MS = 20;
/** Processes that use less than this share of a core for so long do no more than they do anyway. */
const QUIET_SHARE = 0.1;
const QUIET_MS = 500;

/** What one request of a kind costs its client, and buys. */
export interface AbuseCost {
  what: string;
  /** What bounds how often a client may do it; empty: nothing. */
  charged: string;
  requests: number;
  /** Bytes of one request. */
  bytes: number;
  /** Microseconds of CPU of one request: of the services, and of Redis. */
  servicesCpu: number;
  redisCpu: number;
  /** Bytes of memory that services and Redis took more at most, of all {@link CLIENTS} requests under way. */
  memory: number;
  /** CPU to that of a message of as many bytes. */
  ratio: number;
}

/**
 * What a client can buy with a request of each kind, limits lifted, so that a request costs what it costs. Eight
 * clients ask one after the other; a message is sent in the same way, as it is cheaper among many.
 */
export async function measureAbuse(bench: Bench, target: ChatTarget): Promise<AbuseCost[]> {
  const costs: AbuseCost[] = [];
  for (const abuse of await abuses(target)) {
    const cost = await measure(bench, target, abuse);
    const [small = cost, large = cost] = costs;
    const cpu = ({ servicesCpu, redisCpu }: AbuseCost) => servicesCpu + redisCpu;
    const share = Math.max(0, cost.bytes - small.bytes) / Math.max(1, large.bytes - small.bytes);
    cost.ratio = cpu(cost) / (cpu(small) + share * Math.max(0, cpu(large) - cpu(small)));
    costs.push(cost);
    bench.log(
      `abuse: ${cost.what}: ${Math.round(cost.bytes)} bytes buy ${cost.servicesCpu.toFixed(0)} us of the services and ` +
        `${cost.redisCpu.toFixed(0)} us of Redis, ${(cost.memory / 2 ** 20).toFixed(0)} MB; ${cost.ratio.toFixed(1)} times a message`,
    );
  }
  return costs;
}

async function measure(
  bench: Bench,
  target: ChatTarget,
  { what, charged, connect }: Abuse,
): Promise<AbuseCost> {
  const { realtime, auth, history } = target.cluster;
  const services = [...realtime, ...auth, ...history].map(({ pid }) => pid);
  const resident = () =>
    [...services, target.redisPid].reduce((sum, pid) => sum + (residentBytes(pid) ?? 0), 0);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => connect(client)));
  const before = { services: cpuSeconds(services), redis: cpuSeconds([target.redisPid]), memory: resident() };
  let most = before.memory;
  const looking = setInterval(() => {
    most = Math.max(most, resident());
  }, LOOK_MS);
  const end = performance.now() + bench.options.step * 1000;
  let [asked, requests, bytes] = [0, 0, 0];
  const run = async ({ ask }: (typeof clients)[number]) => {
    while (performance.now() < end) {
      const sent = await ask(asked++);
      if (sent === undefined) return;
      requests++;
      bytes += sent;
    }
  };
  try {
    await Promise.all(clients.map(run));
  } catch (error) {
    throw new Error(`${what} failed`, { cause: error });
  } finally {
    clearInterval(looking);
    for (const client of clients) client.close();
  }
  // What was set going goes on after the answers, and belongs to them.
  await quiet([...services, target.redisPid]);
  const each = (seconds: number) => (seconds * 1e6) / requests;
  return {
    what,
    charged,
    requests,
    bytes: bytes / requests,
    servicesCpu: each(cpuSeconds(services) - before.services),
    redisCpu: each(cpuSeconds([target.redisPid]) - before.redis),
    memory: most - before.memory,
    ratio: 1,
  };
}

async function quiet(pids: readonly number[]): Promise<void> {
  for (;;) {
    const before = cpuSeconds(pids);
    await sleep(QUIET_MS);
    if (cpuSeconds(pids) - before < (QUIET_SHARE * QUIET_MS) / 1000) return;
  }
}
