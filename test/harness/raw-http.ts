import { connect, type Socket } from 'node:net';

/** An answer as it stands on the wire. */
export interface RawAnswer {
  status: number;
  /** Names in lower case; of a name that comes twice the last value. */
  headers: Map<string, string>;
  body: string;
}

/** A connection that sends what fetch would not, and reads one answer after the other from the bytes that come. */
export class RawHttp {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  static connect(url: string): Promise<RawHttp> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.once('connect', () => resolve(new RawHttp(socket)));
      socket.once('error', reject);
    });
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
    // A server may well cut whoever sends garbage.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Sends a request without a body and reads the answer to it. */
  async ask(method: string, path: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const lines = Object.entries({ Host: 'chat', ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.send(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    const answer = await this.read(method === 'HEAD');
    if (!answer) throw new Error(`${method} ${path}: closed without an answer`);
    return answer;
  }

  send(bytes: string | Uint8Array): void {
    if (!this.#ended) this.#socket.write(bytes);
  }

  /**
   * The next answer; undefined when the connection ends before one, or when none comes in time.
   *
   * @param bodiless the request was a HEAD: whatever the headers say, the next byte belongs to the next answer
   * @throws Error when what comes is no answer
   */
  async read(bodiless: boolean, timeoutMs = 30_000): Promise<RawAnswer | undefined> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = this.#take(bodiless);
      if (answer && answer.status !== 100) return answer;
      if (answer) continue;
      if (this.#ended || Date.now() >= deadline) return undefined;
      await this.#more(deadline - Date.now());
    }
  }

  /** Bytes that came and were not read as answers. */
  get received(): number {
    return this.#bytes.length;
  }

  /** Takes nothing more from the system. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  #more(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Cuts one whole answer off the bytes that came; undefined while there is none. */
  #take(bodiless: boolean): RawAnswer | undefined {
    const headEnd = this.#bytes.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const [first = '', ...lines] = this.#bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})( |$)/.exec(first)?.[1]);
    if (!status) throw new Error(`no answer of HTTP: ${JSON.stringify(first.slice(0, 200))}`);
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const start = headEnd + 4;
    const empty = bodiless || status < 200 || status === 204 || status === 304;
    const end = empty ? start : this.#bodyEnd(start, headers);
    if (end === undefined) return undefined;
    const body = this.#bytes.subarray(start, end).toString();
    this.#bytes = this.#bytes.subarray(end);
    return { status, headers, body };
  }

  #bodyEnd(start: number, headers: Map<string, string>): number | undefined {
    if (headers.get('transfer-encoding') === 'chunked') {
      const last = this.#bytes.indexOf('\r\n0\r\n\r\n', start - 2);
      return last < 0 ? undefined : last + 7;
    }
    const length = headers.get('content-length');
    if (length === undefined) return this.#ended ? this.#bytes.length : undefined;
    const end = start + Number(length);
    return end <= this.#bytes.length ? end : undefined;
  }
}
