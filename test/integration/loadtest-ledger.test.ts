import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ScenarioName } from '../../loadtest/lib/profiles.ts';
import type { ClientFrame, ServerFrame } from '../../packages/protocol/src/frames.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import { hasK6, runLoad } from './loadtest-run.ts';

/** k6's exit code when a threshold was crossed. */
const THRESHOLD_CROSSED = 99;
const TIMEOUT_MS = 120_000;

/** What a frame becomes on its way to the client: itself, nothing, several, or the end of the connection. */
type Fault = (frame: string, isMessage: boolean) => string[] | 'cut';
/** The same for a client's frame, on its way to the cluster; `answer` goes back to the client. */
type UpFault = (frame: ClientFrame, answer: (frame: object) => void) => ClientFrame[];

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

  async function run(
    fault: () => Fault,
    upFault: () => UpFault = honestUp,
    scenario: ScenarioName = 'fanout',
  ) {
    const url = await faultyWire(cluster.sockets.url, fault, upFault);
    const { code, output, results } = await runLoad([scenario], {
      ...{ BASE_URL: cluster.gateway.url, SOCKET_URLS: url, RESULTS_DIR: join(directory, 'results') },
      ...{ SOCKETS: '3', SENDERS: '1', USERS: '2', RATE: '10', HOLD_SECONDS: '2', DRAIN_SECONDS: '20' },
    });
    expect(results, output).toBeDefined();
    return { code, output, counts: results!.record.counts };
  }

  test(
    'with an honest wire nothing is wrong',
    async () => {
      const { code, counts } = await run(honest);
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

  test(
    'a connection that is cut fails the scenario in which all stay, though nothing is lost',
    async () => {
      let connections = 0;
      const cutOne = () => (++connections === 1 ? nth(5, () => 'cut' as const) : honest());
      const { code, output, counts } = await run(cutOne, honestUp, 'connect');
      expect(counts).toMatchObject({ cut: 1, expected: 80, received: 80, missing: 0, gaps: 0 });
      expect(code).toBe(THRESHOLD_CROSSED);
      expect(output).toContain('FAILED  chat_cut count==0');
    },
    TIMEOUT_MS,
  );

  test(
    'a connection that was asked to go elsewhere was not cut',
    async () => {
      let connections = 0;
      const sendOneAway = () => {
        if (++connections > 1) return honest();
        const away = JSON.stringify({ type: 'reconnect', data: { afterMs: 1000 } });
        const sendAway = nth(5, (frame) => [frame, away]);
        const end = nth(6, () => 'cut' as const);
        return (frame: string, isMessage: boolean) => {
          const last = end(frame, isMessage);
          return last === 'cut' ? last : sendAway(frame, isMessage);
        };
      };
      const { code, output, counts } = await run(sendOneAway, honestUp, 'connect');
      expect(code, output).toBe(0);
      expect(counts).toMatchObject({ cut: 0, sent_away: 1, expected: 80, received: 80 });
    },
    TIMEOUT_MS,
  );

  test(
    'a message that was given up, lost, and acknowledged after all leaves the sums unequal',
    async () => {
      const { code, output, counts } = await run(honest, () => {
        let lost: Extract<ClientFrame, { type: 'message' }> | undefined;
        return (frame, answer) => {
          if (frame.type !== 'message') return [frame];
          if (frame.cid!.endsWith('.5')) {
            lost = frame;
            return [];
          }
          // The last word names what its sender has given up.
          if (frame.cid!.endsWith('.end')) {
            const { cid, data } = lost!;
            answer({ type: 'ack', data: { cid, roomId: data.roomId, date: 1 } });
          }
          return [frame];
        };
      });
      expect(counts).toMatchObject({ expected: 80, received: 76, missing: 0, gaps: 0, unacked: 0, done: 4 });
      expect(code).toBe(THRESHOLD_CROSSED);
      expect(output).toContain('FAILED  deliveries received 76 of 80');
    },
    TIMEOUT_MS,
  );

  test(
    'a message that is refused for good is not sent again, and the code is told',
    async () => {
      let refusals = 0;
      const { code, output, counts } = await run(honest, () => (frame, answer) => {
        if (frame.type !== 'message' || !frame.cid!.endsWith('.5')) return [frame];
        refusals++;
        answer({ type: 'error', data: { code: 'message_too_large', message: 'too large', cid: frame.cid } });
        return [];
      });
      expect(refusals).toBe(1);
      expect(output.match(/the server answered message_too_large: too large/g)).toHaveLength(1);
      expect(counts).toMatchObject({ expected: 76, received: 76, unacked: 1, missing: 0, done: 4 });
      expect(code).toBe(THRESHOLD_CROSSED);
    },
    TIMEOUT_MS,
  );
});

/** Does nothing to what a client sends. */
const honestUp = (): UpFault => (frame) => [frame];

const honest = (): Fault => (frame) => [frame];

/** Applies a fault to the n-th message of a connection alone. */
function nth<T extends string[] | 'cut'>(n: number, fault: (frame: string) => T) {
  let seen = 0;
  return (frame: string, isMessage: boolean) => (isMessage && ++seen === n ? fault(frame) : [frame]);
}

/** A WebSocket in between that does something to the frames for the client; resolves with its address. */
async function faultyWire(target: string, faultOf: () => Fault, upFaultOf: () => UpFault): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', (client, request) => {
    const { authorization = '' } = request.headers;
    const upstream = new WebSocket(`${target}${request.url}`, { headers: { authorization } });
    const [fault, upFault] = [faultOf(), upFaultOf()];
    const answer = (frame: object) => client.send(JSON.stringify(frame));
    upstream.on('message', (data) => {
      const frame = data.toString();
      const { type } = JSON.parse(frame) as ServerFrame;
      const frames = fault(frame, type === 'message');
      if (frames === 'cut') client.terminate();
      else for (const each of frames) client.send(each);
    });
    // k6 says nothing before hello, which comes through here.
    client.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as ClientFrame;
      for (const each of upFault(frame, answer)) upstream.send(JSON.stringify(each));
    });
    client.on('close', () => upstream.close());
    upstream.on('close', () => client.close());
    for (const end of [client, upstream]) end.on('error', () => end.terminate());
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
