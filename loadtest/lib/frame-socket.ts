import { WebSocket } from 'k6/websockets';
import type { ServerFrame } from '../../packages/protocol/src/frames.ts';

/** The longest wait for a frame. */
const FRAME_MS = 10_000;

/** A socket whose frames are waited for one after the other. */
export class FrameSocket {
  readonly #socket: WebSocket;
  readonly #arrived: ServerFrame[] = [];
  readonly #opened: Promise<void>;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(url: string, token: string) {
    this.#socket = new WebSocket(url, null, { headers: { Authorization: `Bearer ${token}` } });
    this.#opened = new Promise((resolve) => this.#socket.addEventListener('open', () => resolve()));
    this.#socket.addEventListener('message', (event) => {
      this.#arrived.push(JSON.parse((event as { data: unknown }).data as string) as ServerFrame);
      this.#wake();
    });
    for (const end of ['error', 'close'] as const) {
      this.#socket.addEventListener(end, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  send(frame: object): void {
    void this.#opened.then(() => this.#socket.send(JSON.stringify(frame)));
  }

  /** The next frame of a type, those before it left out; undefined when none comes in time. */
  async next<T extends ServerFrame['type']>(type: T): Promise<Extract<ServerFrame, { type: T }> | undefined> {
    const deadline = Date.now() + FRAME_MS;
    for (;;) {
      const index = this.#arrived.findIndex((frame) => frame.type === type);
      if (index >= 0) return this.#arrived.splice(0, index + 1).at(-1) as Extract<ServerFrame, { type: T }>;
      if (this.#ended || Date.now() >= deadline) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#socket.close();
  }
}
