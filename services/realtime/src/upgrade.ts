import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
import { AppError, type Logger, originAllowed, readToken, toAppError } from '@chat/kit';
import { CLOSE } from '@chat/protocol';
import type { Presence, Sessions } from '@chat/store';
import { sendError } from './http-response.ts';
import type { LocalUsers } from './local-users.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { Close } from './peer.ts';
import { Refused, WsPeer } from './ws-peer.ts';

export interface AdmissionOptions {
  sessions: Sessions;
  presence: Presence;
  users: LocalUsers;
  metrics: RealtimeMetrics;
  logger: Logger;
  allowedOrigins: readonly string[];
  /** Sockets of one user in the cluster; 0 lifts the limit. */
  socketsPerUser: number;
  /** True when the replica takes no more clients. */
  draining: () => boolean;
}

/** Who a request is from, and what it needs to be let in. */
interface Credentials {
  origin: string | undefined;
  host: string;
  token: string | undefined;
}

/** Decides who may connect: an allowed origin, a valid session, not too many connections already. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Reads what must be read before the first await: the request is gone afterwards. */
  credentials(request: HttpRequest): Credentials {
    return {
      origin: request.getHeader('origin') || undefined,
      host: request.getHeader('host'),
      token: readToken({
        cookie: request.getHeader('cookie') || undefined,
        authorization: request.getHeader('authorization') || undefined,
      }),
    };
  }

  /** @throws AppError origin_refused, draining, unauthenticated, too_many_sockets, unavailable */
  async admit({ origin, host, token }: Credentials) {
    const { sessions, users, allowedOrigins, draining } = this.#options;
    if (!originAllowed(origin, host, allowedOrigins)) throw new AppError('origin_refused');
    if (draining()) throw new AppError('draining', undefined, { retryAfterMs: 1000 });
    const session = token === undefined ? undefined : await sessions.find(token);
    if (!session) throw new AppError('unauthenticated');
    const { user, hash } = session;
    const [rooms] = await Promise.all([users.roomsOf(user.id), this.#checkCount(user.id)]);
    // The drain may have begun meanwhile.
    if (draining()) throw new AppError('draining', undefined, { retryAfterMs: 1000 });
    return { user, session: hash, rooms };
  }

  async #checkCount(userId: number): Promise<void> {
    const { presence, users, socketsPerUser } = this.#options;
    if (socketsPerUser === 0) return;
    const elsewhere = await presence.socketsElsewhere(userId);
    const here = users.find(userId)?.peers.length ?? 0;
    if (here + elsewhere >= socketsPerUser) {
      throw new AppError('too_many_sockets', undefined, { retryAfterMs: 10_000 });
    }
  }

  async upgrade(response: HttpResponse, request: HttpRequest, context: us_socket_context_t): Promise<void> {
    const { users, metrics, logger } = this.#options;
    const key = request.getHeader('sec-websocket-key');
    const protocol = request.getHeader('sec-websocket-protocol');
    const extensions = request.getHeader('sec-websocket-extensions');
    const resumes = request.getQuery('resume') !== undefined;
    const credentials = this.credentials(request);
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    let peer: WsPeer | Refused;
    try {
      const { user, session, rooms } = await this.admit(credentials);
      peer = new WsPeer(users.get(user), session, rooms, resumes);
      metrics.upgrade('accepted');
    } catch (error) {
      const refusal = toAppError(error);
      metrics.upgrade(refusal.code);
      if (refusal.code === 'internal') logger.error({ err: error }, 'upgrade failed');
      const close = closeFor(refusal.code);
      if (aborted) return;
      if (credentials.origin === undefined || !close) {
        response.cork(() => sendError(response, refusal));
        return;
      }
      peer = new Refused(close);
    }
    if (aborted) return;
    response.cork(() => response.upgrade({ peer }, key, protocol, extensions, context));
  }
}

/** The close code that tells a browser the same as the status of a refusal; undefined where it shall just try again. */
function closeFor(code: AppError['code']): Close | undefined {
  switch (code) {
    case 'unauthenticated':
      return CLOSE.sessionEnded;
    case 'origin_refused':
      return CLOSE.refused;
    case 'too_many_sockets':
      return CLOSE.tooFast;
    default:
      return undefined;
  }
}
