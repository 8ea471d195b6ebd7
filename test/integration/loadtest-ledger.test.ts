import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ServerFrame } from '../../packages/protocol/src/frames.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import { hasK6, runLoad } from './loadtest-run.ts';

/** k6's exit code when a threshold was crossed. */
const THRESHOLD_CROSSED = 99;
const TIMEOUT_MS = 120_000;

/** What a frame becomes on its way to the client: itself, nothing, or several. */
type Fault = (frame: string, isMessage: boolean) => string[];

describe.skipIf(!hasK6)('the ledger of the load tests sees what a network did', () => {
  let cluster: Cluster;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'chat-ledger-'));
    cluster = await startCluster({ replicas: 1, dataDir: join(directory, 'data') });
  });

  afterAll(async () => {
    await cluster?.stop();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  async function run(fault: () => Fault) {
    const url = await faultyWire(cluster.sockets.url, fault);
    const { code, output, results } = await runLoad(['fanout'], {
      ...{ BASE_URL: cluster.gateway.url, SOCKET_URLS: url, RESULTS_DIR: join(directory, 'results') },
      ...{ SOCKETS: '3', SENDERS: '1', USERS: '2', RATE: '10', HOLD_SECONDS: '2', DRAIN_SECONDS: '3' },
    });
    expect(results, output).toBeDefined();
    return { code, counts: results!.record.counts };
  }

  test(
    'with an honest wire nothing is wrong',
    async () => {
      const { code, counts } = await run(() => (frame) => [frame]);
      expect(code).toBe(0);
      expect(counts).toMatchObject({ sent: 20, expected: 80, received: 80, missing: 0, done: 4 });
    },
    TIMEOUT_MS,
  );

  test(
    'a message that one client never gets is missing there, and a gap',
    async () => {
      const { code, counts } = await run(() => nth(5, () => []));
      expect(code).toBe(THRESHOLD_CROSSED);
      expect(counts).toMatchObject({
        expected: 80,
        received: 76,
        missing: 4,
        gaps: 4,
        duplicates: 0,
        done: 0,
      });
    },
    TIMEOUT_MS,
  );

  test(
    'a message that comes twice is a duplicate',
    async () => {
      const { code, counts } = await run(() => nth(5, (frame) => [frame, frame]));
      expect(code).toBe(THRESHOLD_CROSSED);
      expect(counts).toMatchObject({ received: 80, missing: 0, gaps: 0, duplicates: 4, disorder: 0 });
    },
    TIMEOUT_MS,
  );

  test(
    'two messages that change places are out of order',
    async () => {
      const { code, counts } = await run(() => {
        let kept: string[] = [];
        const keep = nth(5, (frame) => {
          kept = [frame];
          return [];
        });
        return (frame, isMessage) => {
          const after = isMessage ? kept.splice(0) : [];
          return [...keep(frame, isMessage), ...after];
        };
      });
      expect(code).toBe(THRESHOLD_CROSSED);
      expect(counts).toMatchObject({ received: 80, missing: 0, duplicates: 0, disorder: 4 });
    },
    TIMEOUT_MS,
  );
});

/** Applies a fault to the n-th message of a connection alone. */
function nth(n: number, fault: (frame: string) => string[]): Fault {
  let seen = 0;
  return (frame, isMessage) => (isMessage && ++seen === n ? fault(frame) : [frame]);
}

/** A WebSocket in between that does something to the frames for the client; resolves with its address. */
async function faultyWire(target: string, faultOf: () => Fault): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', (client, request) => {
    const { authorization = '' } = request.headers;
    const upstream = new WebSocket(`${target}${request.url}`, { headers: { authorization } });
    const fault = faultOf();
    upstream.on('message', (data) => {
      const frame = data.toString();
      const { type } = JSON.parse(frame) as ServerFrame;
      for (const each of fault(frame, type === 'message')) client.send(each);
    });
    // k6 says nothing before hello, which comes through here.
    client.on('message', (data) => upstream.send(data.toString()));
    client.on('close', () => upstream.close());
    upstream.on('close', () => client.close());
    for (const end of [client, upstream]) end.on('error', () => end.terminate());
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
