import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChatApi } from '@chat/client';
import { GENERAL } from '@chat/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { Ledger } from '../harness/ledger.ts';
import { formatReport } from '../harness/ledger-report.ts';
import { metricOf, repairsOf } from './metrics.ts';
import { FULL, SOON } from './scale.ts';
import { expectWhole, openStage, type Stage } from './scene.ts';
import { SlowClients } from './slow-clients.ts';

const PER_SECOND = 500;
const MESSAGE_BYTES = 3000;
/** Bare sockets that stop: without a bound each of them would cost what is said, 1.5 MB a second. */
const BARE = 40;
const MAX_BACKPRESSURE = 1024 * 1024;
/** What a busy replica takes more for a while whoever listens: V8 collects when it likes. */
const SLACK = 150 * 1024 * 1024;
const TICK_MS = 20;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ env: { LIMITS: 'off', REBALANCE: 'false' } });
});
afterAll(() => stage?.close());

/** Bytes of memory that a process has in use. */
function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** The time in milliseconds in which most pings come back while something is done. */
async function pingsDuring(socket: ChatSocket, work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  let done = false;
  const pinging = (async () => {
    while (!done) {
      const start = performance.now();
      await socket.settle();
      times.push(performance.now() - start);
      await sleep(20);
    }
  })();
  await work().finally(() => {
    done = true;
  });
  await pinging;
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
}

async function connect(index: number): Promise<ChatSocket> {
  const account = await createAccount(stage.redis);
  const url = `${stage.cluster.realtime[index]!.url.replace('http', 'ws')}/ws`;
  const socket = await ChatSocket.connect(url, account);
  onTestFinished(() => socket.cut());
  await socket.next('hello');
  await socket.settle();
  return socket;
}

/** Starts the process with the clients that will stop: bare ones on the first replica, others there and behind HAProxy. */
async function slowClients(ledger: Ledger): Promise<SlowClients> {
  const { cluster, redis } = stage;
  const token = async () => (await createAccount(redis)).token;
  const own = cluster.realtime[0]!.url.replace('http', 'ws');
  const gateway = cluster.gateway.url.replace('http', 'ws');
  const urls = [`${own}/ws`, `${own}/ws`, `${gateway}/replica/1/ws`, `${gateway}/replica/1/ws`];
  const clients = await Promise.all(
    urls.map(async (url) => ({ urls: [url, `${gateway}/ws`], token: await token() })),
  );
  const bare = await Promise.all(
    Array.from({ length: BARE }, async () => ({ url: `${own}/ws`, token: await token() })),
  );
  const slow = new SlowClients({ clients, bare });
  onTestFinished(() => slow.end());
  for (const [index, client] of slow.clients.entries()) {
    const api = new ChatApi({ baseUrl: cluster.gateway.url, token: clients[index]!.token });
    ledger.watch(`slow ${index}`, client, api);
  }
  await slow.ready();
  return slow;
}

describe.runIf(FULL)('clients that stop reading (SIGSTOP) while a room runs at 500 messages/s', () => {
  test('cost bounded memory, are closed with 4008 and have a complete stream afterwards', {
    timeout: 300_000,
  }, async () => {
    const { cluster, redis } = stage;
    const ledger = new Ledger({ redis, repairs: await repairsOf(cluster) });
    const replica = cluster.realtime[0]!;
    const senders = [await connect(1), await connect(2)];
    for (const [index, socket] of senders.entries()) ledger.watchSocket(`sender ${index}`, socket);
    const bystander = await connect(0);
    ledger.watchSocket('bystander', bystander);
    const slow = await slowClients(ledger);
    const reasons: string[] = [];
    for (const client of slow.clients) {
      client.on('state', ({ state, reason }) => {
        if (state === 'waiting') reasons.push(reason ?? '');
      });
    }

    let turn = 0;
    let due = 0;
    const talking = setInterval(() => {
      for (due += (PER_SECOND * TICK_MS) / 1000; due >= 1; due--) {
        ledger.sendRaw(senders[turn++ % senders.length]!, GENERAL, MESSAGE_BYTES);
      }
    }, TICK_MS);
    onTestFinished(() => clearInterval(talking));
    const calm = await pingsDuring(bystander, () => sleep(4000));

    slow.stop();
    const before = residentBytes(replica.pid);
    let peak = before;
    const watching = setInterval(() => {
      peak = Math.max(peak, residentBytes(replica.pid));
    }, 100);
    const closed = () => metricOf(replica.url, 'chat_closes_total', 'code="4008"');
    const stalled = await pingsDuring(bystander, async () => {
      await vi.waitFor(async () => expect(await closed()).toBe(BARE + slow.clients.length), SOON);
      // Those that were closed cost nothing more, and whoever stays away longer misses more.
      await sleep(5000);
    });
    clearInterval(watching);
    const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(0);
    console.log(
      `the replica took ${megabytes(peak - before)} MB more at most; 99 of 100 pings of a bystander came back ` +
        `within ${calm.toFixed(0)} ms before and ${stalled.toFixed(0)} ms meanwhile`,
    );
    expect(peak - before).toBeLessThan((BARE + slow.clients.length) * MAX_BACKPRESSURE + SLACK);
    // Not a matter of speed: a replica that waited for whoever does not read would not answer at all.
    expect(stalled).toBeLessThan(2000);

    slow.continue();
    ledger.faultEnded();
    await sleep(3000);
    clearInterval(talking);
    const report = await ledger.close(120_000);
    console.log(formatReport(`${BARE + slow.clients.length} clients that stopped reading`, report));
    console.log(`closed for them: ${[...new Set(reasons)].join('; ')}`);
    expectWhole(report);
    expect(report.reconnects).toBeGreaterThanOrEqual(slow.clients.length);
    expect(report.gaps).toBeGreaterThanOrEqual(slow.clients.length);
    expect(await closed()).toBe(BARE + slow.clients.length);
  });
});
