import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A connection that goes through the proxy. */
interface Passage {
  client: Socket;
  upstream: Socket;
  /** What the client called itself by CLIENT SETNAME; empty until it did. */
  name: string;
}

/** ioredis names its connections before it does anything else. */
const NAME = /SETNAME\r\n\$\d+\r\n([^\r]+)\r\n/i;
const GREETING_BYTES = 1024;

/**
 * Stands between clients and Redis, and can disturb the connections of one name: a service has one for its commands
 * and one for its subscription.
 */
export class RedisProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #passages = new Set<Passage>();
  readonly #muted = new Set<string>();
  readonly #blocked = new Set<string>();
  readonly #late = new Map<string, number>();
  readonly #accepted = new Map<string, number>();

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#pass(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(redisUrl: string): Promise<RedisProxy> {
    const proxy = new RedisProxy(Number(new URL(redisUrl).port));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `redis://127.0.0.1:${address.port}`;
  }

  /** Open connections of that name. */
  connections(name: string): number {
    return [...this.#passages].filter((passage) => passage.name === name).length;
  }

  /** Connections of that name that there were until now, but for those that were blocked. */
  accepted(name: string): number {
    return this.#accepted.get(name) ?? 0;
  }

  /** What Redis says to the connections of that name, those of now and later ones, is thrown away. */
  mute(name: string): void {
    this.#muted.add(name);
  }

  /** What Redis says to the connections of that name comes so many milliseconds late, until {@link heal}. */
  delay(name: string, ms: number): void {
    this.#late.set(name, ms);
  }

  /** New connections of that name are cut as soon as they say it. */
  block(name: string): void {
    this.#blocked.add(name);
  }

  /** Cuts the connections of that name. */
  cut(name: string): void {
    for (const passage of this.#passages) if (passage.name === name) end(passage);
  }

  /** New connections work again; one that was muted stays silent. */
  heal(name: string): void {
    this.#muted.delete(name);
    this.#blocked.delete(name);
    this.#late.delete(name);
  }

  async stop(): Promise<void> {
    for (const passage of this.#passages) end(passage);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #pass(client: Socket): void {
    const upstream = createConnection({ host: '127.0.0.1', port: this.#targetPort });
    const passage: Passage = { client, upstream, name: '' };
    this.#passages.add(passage);
    for (const socket of [client, upstream]) {
      // A close follows, whatever it was.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#passages.delete(passage);
        end(passage);
      });
    }
    let greeting = '';
    let silenced = false;
    const waiting: Buffer[] = [];
    client.on('data', (bytes) => {
      if (passage.name === '' && greeting.length < GREETING_BYTES) {
        greeting += bytes.toString('latin1');
        passage.name = NAME.exec(greeting)?.[1] ?? '';
        if (this.#blocked.has(passage.name)) {
          end(passage);
          return;
        }
        if (passage.name !== '') this.#accepted.set(passage.name, this.accepted(passage.name) + 1);
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      // For good: what was swallowed may end in the middle of a reply.
      silenced ||= this.#muted.has(passage.name);
      if (silenced) return;
      const late = this.#late.get(passage.name);
      if (late === undefined && waiting.length === 0) {
        client.write(bytes);
        return;
      }
      // In order also when what comes now is late no more.
      waiting.push(bytes);
      setTimeout(() => client.write(waiting.shift()!), late ?? 0);
    });
  }
}

function end({ client, upstream }: Passage): void {
  client.destroy();
  upstream.destroy();
}
