import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { complaints } from '../ledger.ts';
import { generatorProgram } from './command.ts';
import { compile } from './compile.ts';
import { Generator, type Wire } from './generator.ts';

const SOCKETS = 6;
const FIRST_DATE = 1_700_000_000;

const directory = mkdtempSync(join(tmpdir(), 'generator-test-'));
const kinds = compile('generator/generator.c', directory)
  ? (['C', 'JavaScript'] as const)
  : (['JavaScript'] as const);

/** What the server does with the nth delivery, counted from 1. Overtaken: sent after the next one of its sender, or of another. */
type Fault = (
  delivery: number,
  message: number,
) => 'once' | 'never' | 'twice' | 'overtaken by its sender' | 'overtaken by another';

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(kinds)('the load generator in %s', (kind) => {
  let command: string[];
  let generator: Generator;
  let server: WebSocketServer;

  beforeAll(async () => {
    command = (await generatorProgram(directory, kind)).command;
  });

  afterEach(() => {
    generator.stop();
    for (const client of server.clients) client.terminate();
    server.close();
  });

  async function start(wire: Wire, fault: Fault): Promise<void> {
    server = await serve(wire, fault);
    generator = new Generator(command, directory);
    const { port } = server.address() as AddressInfo;
    const tokens = wire === 'chat' ? Array.from({ length: SOCKETS }, (_, n) => `token-${n}`) : undefined;
    const opened = await generator.open({ label: 0, port, count: SOCKETS, wire, path: '/', tokens });
    expect(opened).toMatchObject({ opened: SOCKETS, failed: 0 });
  }

  function run(rate = 100, senders = [0, 3]) {
    const streams = senders.map((socket) => ({ socket, room: '0', members: SOCKETS }));
    return generator.run({ rate, window: 4, seconds: 0.4, warm: 0.1, streams });
  }

  it.each(['chat', 'socketio'] as const)('counts every delivery of a %s server once', async (wire) => {
    await start(wire, () => 'once');
    const ledger = await run();
    expect(complaints(ledger)).toEqual([]);
    expect(ledger.sent).toBe(50);
    expect(ledger.received).toBe(ledger.sent * SOCKETS);
    expect(ledger.latency.p99).toBeGreaterThan(0);
    expect(ledger.ack.count).toBeGreaterThan(0);
  });

  it('finds the one delivery that is missing', async () => {
    await start('chat', (delivery) => (delivery === 100 ? 'never' : 'once'));
    const ledger = await run();
    expect(ledger.expected - ledger.received).toBe(1);
    expect(ledger.gaps).toBe(1);
  });

  it('finds a last message that is missing, which leaves no gap', async () => {
    await start('chat', (_delivery, message) => (message === 50 ? 'never' : 'once'));
    const ledger = await run();
    expect(ledger).toMatchObject({ sent: 50, gaps: 0, incomplete: 2 * SOCKETS });
    expect(ledger.expected - ledger.received).toBe(SOCKETS);
  });

  it('finds a delivery that comes twice', async () => {
    await start('chat', (delivery) => (delivery === 77 ? 'twice' : 'once'));
    const ledger = await run();
    expect(ledger).toMatchObject({ duplicates: 1, gaps: 0 });
    expect(ledger.received - ledger.expected).toBe(1);
  });

  it('finds two deliveries that changed places, though each sender is in order', async () => {
    await start('chat', (delivery) => (delivery === 77 ? 'overtaken by another' : 'once'));
    const ledger = await run();
    expect(ledger).toMatchObject({ gaps: 0, duplicates: 0, disorder: 1 });
    expect(ledger.received).toBe(ledger.expected);
  });

  it('finds two deliveries of one sender that changed places', async () => {
    await start('socketio', (delivery) => (delivery === 77 ? 'overtaken by its sender' : 'once'));
    const ledger = await run(100, [0]);
    expect(ledger).toMatchObject({ gaps: 1, duplicates: 1 });
    expect(ledger.received).toBe(ledger.expected);
  });

  it('keeps a window of unacknowledged sends per stream when it has no rate', async () => {
    await start('chat', () => 'once');
    const ledger = await run(0);
    expect(complaints(ledger)).toEqual([]);
    expect(ledger.sent).toBeGreaterThan(8);
  });

  it('fails a run whose marks cannot be taken', async () => {
    await start('chat', () => 'once');
    const streams = [{ socket: 0, room: '0', members: SOCKETS }];
    const onSteady = () => {
      throw new Error('the server has ended');
    };
    const run = generator.run({ rate: 100, seconds: 0.2, warm: 0.1, streams, onSteady });
    await expect(run).rejects.toThrow('the server has ended');
  });

  it('says which sockets the server closed, and with which code', async () => {
    await start('chat', () => 'once');
    for (const client of [...server.clients].slice(0, 2)) client.close(1012, 'go');
    await expect
      .poll(() => generator.count(), { timeout: 10_000 })
      .toMatchObject({
        open: SOCKETS - 2,
        closed: 2,
        closeCode: 1012,
      });
  });

  it('says what a server answered that refuses it', async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => false });
    await new Promise((resolve) => server.once('listening', resolve));
    generator = new Generator(command, directory);
    const { port } = server.address() as AddressInfo;
    const opened = await generator.open({ label: 0, port, count: 2, wire: 'chat', path: '/' });
    expect(opened).toMatchObject({ opened: 0, failed: 2 });
    expect(opened.firstError).toContain('401');
  });
});

interface Overtaken {
  sender: WebSocket;
  /** In the order in which they come later. */
  frames: string[];
  byItself: boolean;
}

/** A server with one room that everyone is in, in either wire format, and faults of its own. */
async function serve(wire: Wire, fault: Fault): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const late = new Map<WebSocket, Overtaken>();
  let deliveries = 0;
  let messages = 0;
  const deliver = (client: WebSocket, sender: WebSocket, frame: string) => {
    const held = late.get(client);
    const what = fault(++deliveries, messages);
    if (what === 'overtaken by its sender' || what === 'overtaken by another') {
      late.set(client, { sender, frames: [frame], byItself: what === 'overtaken by its sender' });
      return;
    }
    // On a busy machine two messages of one sender can come before the other sender's: they stay in order.
    if (held !== undefined && (held.sender === sender) !== held.byItself) {
      held.frames.push(frame);
      return;
    }
    if (what !== 'never') client.send(frame);
    if (what === 'twice') client.send(frame);
    if (held === undefined) return;
    late.delete(client);
    for (const frame of held.frames) client.send(frame);
  };
  const publish = (sender: WebSocket, frame: string) => {
    messages++;
    for (const client of server.clients) deliver(client, sender, frame);
  };
  server.on('connection', (client) => {
    client.send(wire === 'chat' ? '{"type":"hello","data":{}}' : '0{"sid":"x"}');
    client.on('message', (raw) => {
      const text = String(raw);
      if (wire === 'chat') {
        const { data, cid } = JSON.parse(text);
        const { message, roomId } = data;
        const date = (FIRST_DATE + messages / 1e6).toFixed(6);
        const rest = `"message":"${message}","roomId":"${roomId}","cid":"${cid}"`;
        publish(client, `{"type":"message","data":{"from":1,"date":${date},${rest}}}`);
        client.send(JSON.stringify({ type: 'ack', data: { cid, roomId: data.roomId } }));
      } else if (text === '40') client.send('40{"sid":"y"}');
      else {
        const [, id, json] = /^42(\d+)(.*)$/.exec(text)!;
        publish(client, `42${json}`);
        client.send(`43${id}[{}]`);
      }
    });
  });
  return server;
}
