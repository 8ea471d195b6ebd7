import type { ClientFrame, Message, ServerFrame, ServerFrameType } from '@chat/protocol';
import { WebSocket } from 'ws';

type Frame<T extends ServerFrameType> = Extract<ServerFrame, { type: T }>;
type Data<T extends ServerFrameType> = Frame<T>['data'];

interface ChatSocketOptions {
  token?: string;
  /** Sent as a browser would. */
  origin?: string;
  cookie?: string;
  headers?: Record<string, string>;
}

/** A refused upgrade. */
export class UpgradeRefused extends Error {
  readonly status: number;
  readonly body: { code: string; message: string };

  constructor(status: number, body: string) {
    super(`upgrade refused with ${status}: ${body}`);
    this.status = status;
    this.body = JSON.parse(body || '{}');
  }
}

/** How long a frame is waited for: generous, the machine may be busy. */
const PATIENCE_MS = 15_000;

/** A bare WebSocket for tests: nothing is retried, sorted or dropped, and every frame is kept. */
export class ChatSocket {
  readonly frames: ServerFrame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()));
      for (const look of [...this.#waiting]) look();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    // What matters is said by 'close'.
    socket.on('error', () => undefined);
  }

  /** Connects; rejects with UpgradeRefused, or with the error of the connection. */
  static connect(
    url: string,
    { token, origin, cookie, headers }: ChatSocketOptions = {},
  ): Promise<ChatSocket> {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers: {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(origin === undefined ? {} : { origin }),
        ...(cookie === undefined ? {} : { cookie }),
      },
    });
    const chat = new ChatSocket(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(chat));
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => reject(new UpgradeRefused(response.statusCode ?? 0, body)));
      });
    });
  }

  send(frame: ClientFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  sendRaw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  /** Says something; resolves with its date once it is acknowledged. */
  async say(roomId: string, message: string, cid: string = randomCid()): Promise<number> {
    this.send({ type: 'message', data: { roomId, message }, cid });
    const frame = await this.wait(
      (candidate) =>
        (candidate.type === 'ack' || candidate.type === 'error') && candidate.data.cid === cid
          ? candidate
          : undefined,
      `an ack of ${cid}`,
    );
    if (frame.type === 'error') throw new Error(`${frame.data.code}: ${frame.data.message}`);
    return frame.data.date;
  }

  /** The data of the first frame of a type that fits, received already or still to come. */
  next<T extends ServerFrameType>(type: T, fits: (data: Data<T>) => boolean = () => true): Promise<Data<T>> {
    return this.wait(
      (frame) => (frame.type === type && fits(frame.data as Data<T>) ? (frame.data as Data<T>) : undefined),
      type,
    );
  }

  /** The messages received, in the order in which they came. */
  messages(roomId?: string): Message[] {
    return this.frames.flatMap((frame) =>
      frame.type === 'message' && (roomId === undefined || frame.data.roomId === roomId) ? [frame.data] : [],
    );
  }

  /** Resolves when everything that the server sent before is here. */
  async settle(): Promise<void> {
    const token = randomCid();
    this.send({ type: 'ping', data: token });
    await this.next('pong', (data) => data === token);
  }

  /** Stops reading, as a client that hangs. */
  pause(): void {
    this.#socket.pause();
  }

  unpause(): void {
    this.#socket.resume();
  }

  close(): Promise<{ code: number; reason: string }> {
    this.#socket.close();
    return this.closed;
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#socket.terminate();
  }

  private wait<T>(find: (frame: ServerFrame) => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        for (const frame of this.frames) {
          const found = find(frame);
          if (found === undefined) continue;
          clearTimeout(timer);
          this.#waiting.delete(look);
          resolve(found);
          return;
        }
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const last = JSON.stringify(this.frames.slice(-5));
        reject(new Error(`no ${what} within ${PATIENCE_MS} ms; the last frames: ${last}`));
      }, PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }
}

let cids = 0;

/** A client id of a message that no other message of this process has. */
export function randomCid(): string {
  return `t-${process.pid}-${++cids}-${Math.random().toString(36).slice(2, 10)}`;
}
