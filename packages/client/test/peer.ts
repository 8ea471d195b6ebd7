import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ClientFrame, type HelloRoom, LIMITS, type ServerFrame, type User } from '@chat/protocol';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { Inbox } from './inbox.ts';

export const ANN: User = { id: 1, username: 'Ann' };

/** The room General, as hello lists it. */
export function general(last = 0): HelloRoom {
  return { id: '0', name: 'General', last };
}

/** One connection of a client, from the server's side. It answers pings by itself; all else is up to the test. */
export class Visit {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly closed: Promise<number>;
  answersPings = true;
  /** Frames of the client but pings. */
  readonly frames = new Inbox<ClientFrame>();
  readonly pings = new Inbox<ClientFrame>();
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, query: URLSearchParams, headers: IncomingHttpHeaders) {
    this.#socket = socket;
    this.query = query;
    this.headers = headers;
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
    socket.on('message', (data) => this.#receive(JSON.parse(String(data))));
  }

  hello(rooms: HelloRoom[] = [general()], user = ANN): void {
    const { messageBytes, frameBytes, messagesPerSecond, messageBurst, resumeMessages } = LIMITS;
    const limits = { messageBytes, frameBytes, messagesPerSecond, messageBurst, resumeMessages };
    this.send({ type: 'hello', data: { serverId: 'peer', user, rooms, limits } });
  }

  send(frame: ServerFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Something that is no frame. */
  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  /** A message of General; prev undefined is one of a foreign server. */
  message(date: number, prev?: number, more: object = {}): void {
    this.send({ type: 'message', data: { from: 2, date, message: `m${date}`, roomId: '0', prev, ...more } });
  }

  /** The client's next frame, which must be of this type. */
  async take<Type extends ClientFrame['type']>(type: Type): Promise<Extract<ClientFrame, { type: Type }>> {
    const frame = await this.frames.next();
    if (frame.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(frame)}`);
    return frame as Extract<ClientFrame, { type: Type }>;
  }

  /** Takes the next message and acknowledges it; returns its text. */
  async acknowledge(date: number): Promise<string> {
    const { cid, data } = await this.take('message');
    this.send({ type: 'ack', data: { cid, roomId: data.roomId, date } });
    return data.message;
  }

  close(code: number, reason = ''): void {
    this.#socket.close(code, reason);
  }

  /** Reads nothing any more, and so answers nothing. */
  pause(): void {
    this.#socket.pause();
  }

  /** As a line that breaks. */
  cut(): void {
    this.#socket.terminate();
  }

  #receive(frame: ClientFrame): void {
    const inbox = frame.type === 'ping' ? this.pings : this.frames;
    inbox.add(frame);
    if (frame.type === 'ping' && this.answersPings) this.send({ type: 'pong', data: {} });
  }
}

/** The server's end of the wire, on a port of its own until the test is over. */
export class Peer {
  readonly visits = new Inbox<Visit>();
  /** When set, upgrades are refused with this HTTP status and body. */
  refusal: { status: number; body: object } | undefined;
  /** When set, upgrades get no answer at all. */
  silent = false;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #streams = new Set<Duplex>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (stream) => this.#streams.add(stream));
    server.on('upgrade', (request, stream, head) => {
      if (this.silent) return;
      if (this.refusal) {
        refuse(stream, this.refusal.status, this.refusal.body);
        return;
      }
      this.#sockets.handleUpgrade(request, stream, head, (socket) => {
        const { searchParams } = new URL(request.url ?? '', 'http://peer');
        this.visits.add(new Visit(socket, searchParams, request.headers));
      });
    });
  }

  static async start(port = 0): Promise<Peer> {
    const server = createServer();
    const peer = new Peer(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    onTestFinished(() => peer.stop());
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** The next connection of a client. */
  visit(): Promise<Visit> {
    return this.visits.next();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const stream of this.#streams) stream.destroy();
    await closed;
  }
}

function refuse(stream: Duplex, status: number, body: object): void {
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'Content-Type: application/json',
    `Content-Length: ${text.length}`,
  ];
  stream.end(`${head.join('\r\n')}\r\nConnection: close\r\n\r\n${text}`);
}
