import { createConnection, type Socket } from 'node:net';
import type { Wire } from '../generator.ts';
import { clientFrame, walkFrames } from './frames.ts';

export interface Place {
  host: string;
  port: number;
  path: string;
  wire: Wire;
  label: number;
  token: string | undefined;
  /** 127.0.0.x: one address has ports for some 28,000 connections only. */
  localAddress: string | undefined;
}

export interface Receiver {
  /** The server took the socket, and it may send. */
  ready(connection: Connection): void;
  message(connection: Connection, bytes: Buffer, start: number, end: number): void;
  acknowledged(bytes: Buffer, start: number, end: number): void;
  refused(text: string): void;
  other(): void;
  closed(connection: Connection, code: number): void;
}

const TYPE_AT = 9;

/** One WebSocket of the generator: reads what it must of each frame and no more. */
export class Connection {
  readonly label: number;
  readonly wire: Wire;
  readonly since = performance.now();
  state: 'upgrading' | 'greeting' | 'ready' | 'closed' = 'upgrading';
  /** The last number of each stream. */
  last: Uint32Array | undefined;
  /** The date of the last message of each room, in microseconds. */
  dates: Map<string, number> | undefined;
  readonly #receiver: Receiver;
  readonly #socket: Socket;
  #rest: Buffer | undefined;

  constructor(place: Place, receiver: Receiver) {
    this.label = place.label;
    this.wire = place.wire;
    this.#receiver = receiver;
    const { host, port, localAddress } = place;
    this.#socket = createConnection({ host, port, localAddress, noDelay: true }, () => {
      this.#socket.write(request(place));
    });
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#closed(1006));
  }

  send(text: string): void {
    this.#socket.write(clientFrame(1, Buffer.from(text)));
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Closes it for good, without a word to the receiver. */
  drop(): void {
    this.state = 'closed';
    this.last = undefined;
    this.dates = undefined;
    this.#socket.resetAndDestroy();
  }

  #closed(code: number): void {
    if (this.state === 'closed') return;
    // The receiver looks at the state it was in.
    this.#receiver.closed(this, code);
    this.drop();
  }

  #read(bytes: Buffer): void {
    if (this.state === 'closed') return;
    let data = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    this.#rest = undefined;
    if (this.state === 'upgrading') {
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#rest = data;
        return;
      }
      if (!data.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) {
        this.#receiver.refused(data.toString());
        this.#closed(1006);
        return;
      }
      this.state = 'greeting';
      data = data.subarray(end + 4);
    }
    const used = walkFrames(data, this.#take.bind(this, data));
    if (used < data.length) this.#rest = data.subarray(used);
  }

  #take(bytes: Buffer, opcode: number, start: number, end: number): boolean {
    if (opcode === 1) {
      if (this.wire === 'chat') this.#chat(bytes, start, end);
      else this.#socketio(bytes, start, end);
    } else if (opcode === 9) this.#socket.write(clientFrame(10, bytes.subarray(start, end)));
    else if (opcode === 8) {
      this.#closed(end - start >= 2 ? bytes.readUInt16BE(start) : 1005);
      return false;
    }
    return true;
  }

  /** {"type":"x… */
  #chat(bytes: Buffer, start: number, end: number): void {
    switch (String.fromCharCode(bytes[start + TYPE_AT] ?? 0)) {
      case 'm':
        this.#receiver.message(this, bytes, start, end);
        return;
      case 'a':
        this.#receiver.acknowledged(bytes, start, end);
        return;
      case 'h':
        this.#receiver.ready(this);
        return;
      case 'e':
        this.#receiver.refused(bytes.toString('utf8', start, end));
        return;
      default:
        this.#receiver.other();
    }
  }

  /** Engine.IO and Socket.IO packets: https://socket.io/docs/v4/socket-io-protocol/ */
  #socketio(bytes: Buffer, start: number, end: number): void {
    switch (bytes.toString('latin1', start, Math.min(start + 2, end)).replace(/^(?!4)(.).*/, '$1')) {
      case '2':
        this.send('3');
        return;
      case '0':
        this.send('40');
        return;
      case '42':
        this.#receiver.message(this, bytes, start, end);
        return;
      case '43':
        this.#receiver.acknowledged(bytes, start, end);
        return;
      case '40':
        this.#receiver.ready(this);
        return;
      default:
        this.#receiver.refused(bytes.toString('utf8', start, end));
    }
  }
}

function request({ host, port, path, token }: Place): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    '\r\n',
  ].join('\r\n');
}
