import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { AppError, type Logger, toAppError } from '@chat/kit';
import { CLOSE } from '@chat/protocol';
import type { Admission, Admitted } from './admission.ts';
import type { Fanout } from './fanout.ts';
import { errorFrame } from './frames-out.ts';
import type { Greeter } from './greeter.ts';
import { sendError } from './http-response.ts';
import type { LocalUsers } from './local-users.ts';
import type { RedisClock } from './redis-clock.ts';
import type { Resumes } from './resume.ts';
import type { RoomRegistry } from './room-registry.ts';
import { StreamCursor } from './stream-cursor.ts';
import { StreamPeer } from './stream-peer.ts';

/** Below the minute after which many proxies close an idle connection. */
const KEEP_ALIVE_MS = 15_000;
/** What EventSource waits before it comes back, in milliseconds. */
const RETRY_MS = 2000;

interface StreamsOptions {
  admission: Admission;
  greeter: Greeter;
  users: LocalUsers;
  registry: RoomRegistry;
  resumes: Resumes;
  clock: RedisClock;
  fanout: Fanout;
  logger: Logger;
  maxBackpressure: number;
  /** Believe X-Forwarded-For. */
  trustProxy: boolean;
}

/** GET /stream: server-sent events, resumed by Last-Event-ID. */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #peers = new Set<StreamPeer>();
  readonly #keepAlive: NodeJS.Timeout;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#keepAlive = setInterval(() => {
      for (const peer of this.#peers) peer.keepAlive();
    }, KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  get size(): number {
    return this.#peers.size;
  }

  get peers(): Iterable<StreamPeer> {
    return this.#peers;
  }

  async open(response: HttpResponse, request: HttpRequest): Promise<void> {
    const { admission, trustProxy, logger } = this.#options;
    const lastEventId = request.getHeader('last-event-id') || request.getQuery('lastEventId') || '';
    const credentials = admission.credentials(response, request, trustProxy);
    let peer: StreamPeer | undefined;
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
      if (peer) this.#close(peer);
    });
    try {
      const refusal = admission.refusal(credentials);
      if (refusal) throw refusal;
      const from = lastEventId === '' ? undefined : StreamCursor.parse(lastEventId, this.#options.clock);
      if (lastEventId !== '' && !from)
        throw new AppError('bad_request', 'Last-Event-ID is none of this server');
      peer = await admission.admit(credentials, (admitted) => {
        if (aborted) return undefined;
        if (!response.bodiless) return this.#enter(response, admitted, from);
        response.cork(() => writeHead(response).endWithoutBody());
        return undefined;
      });
      if (peer && from) await this.#resume(peer, from);
    } catch (error) {
      if (aborted) return;
      const refusal = toAppError(error);
      if (refusal.code === 'internal') logger.error({ err: error }, 'stream failed');
      // The stream began: the client comes back by itself, with what it has.
      if (peer) peer.end(CLOSE.goingAway);
      else response.cork(() => sendError(response, refusal));
    }
    if (peer && !peer.open) this.#close(peer);
  }

  /** Ends all streams: their clients come back elsewhere. */
  end(): void {
    clearInterval(this.#keepAlive);
    for (const peer of this.#peers) peer.end(CLOSE.restart);
  }

  async #resume(peer: StreamPeer, from: StreamCursor): Promise<void> {
    const { resumes } = this.#options;
    const positions = peer.user.rooms.map((room) => ({ room, since: from.since(room.id) }));
    try {
      await resumes.run(peer, positions);
    } catch (error) {
      const { code, message, retryAfterMs } = toAppError(error);
      if (code !== 'rate_limited') throw error;
      resumes.forgo(peer, positions);
      if (peer.open) peer.cork(() => peer.send(errorFrame(code, message, undefined, retryAfterMs)));
    }
  }

  #enter(
    response: HttpResponse,
    { user, session, rooms }: Admitted,
    from: StreamCursor | undefined,
  ): StreamPeer {
    const { users, registry, clock, fanout, maxBackpressure, logger } = this.#options;
    const peer = new StreamPeer(users.get(user), session, {
      response,
      fanout,
      cursor: from ?? StreamCursor.at(rooms, clock),
      lastOf: (roomId) => registry.find(roomId)?.last ?? 0,
      maxBackpressure,
      onEnded: (ended, error) => {
        if (error !== undefined) logger.error({ err: error }, 'stream failed');
        this.#close(ended);
      },
    });
    this.#peers.add(peer);
    users.attach(peer, rooms);
    response.cork(() => this.#begin(response, peer, from !== undefined));
    return peer;
  }

  #begin(response: HttpResponse, peer: StreamPeer, resumes: boolean): void {
    writeHead(response).write(`retry: ${RETRY_MS}\n\n`);
    this.#options.greeter.greet(peer, resumes);
  }

  #close(peer: StreamPeer): void {
    if (!this.#peers.delete(peer)) return;
    peer.closed();
    peer.park?.abandon();
    this.#options.users.detach(peer);
  }
}

function writeHead(response: HttpResponse): HttpResponse {
  return (
    response
      .writeStatus('200 OK')
      .writeHeader('Content-Type', 'text/event-stream; charset=utf-8')
      .writeHeader('Cache-Control', 'no-store')
      .writeHeader('X-Content-Type-Options', 'nosniff')
      // nginx would gather events in a buffer.
      .writeHeader('X-Accel-Buffering', 'no')
  );
}
