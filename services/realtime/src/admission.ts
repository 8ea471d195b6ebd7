import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { performance } from 'node:perf_hooks';
import { AppError, originAllowed, readToken } from '@chat/kit';
import type { User, UserId } from '@chat/protocol';
import { hashToken, type Sessions } from '@chat/store';
import type { AddressLimit } from './address-limit.ts';
import type { LocalUsers } from './local-users.ts';
import type { PresenceKeeper } from './presence/keeper.ts';
import type { Claim } from './presence/reporter.ts';
import { remoteAddress } from './remote-address.ts';
import type { Room } from './room.ts';

export interface AdmissionOptions {
  sessions: Sessions;
  presence: PresenceKeeper;
  users: LocalUsers;
  allowedOrigins: readonly string[];
  /** Sockets of one user in the cluster; 0 lifts the limit. */
  socketsPerUser: number;
  /** Connections of this replica at most, of whatever kind; 0 lifts the limit. */
  maxConnections: number;
  connections: () => number;
  /** How often an address may ask. */
  addressLimit: AddressLimit;
  /** True when the replica takes no more clients. */
  draining: () => boolean;
}

interface LookUp {
  session: string;
  /** The session ended meanwhile, or may have. */
  ended: boolean;
  /** Users who changed meanwhile: whose session it is shows only at the end. */
  changed: UserId[];
}

/** What a request says of who it is from. */
export interface Credentials {
  origin: string | undefined;
  host: string;
  token: string | undefined;
  address: string;
}

/** Who was let in. */
export interface Admitted {
  user: User;
  /** SHA-256 of the session's token. */
  session: string;
  rooms: readonly Room[];
}

/** Decides who may connect: an allowed origin, a valid session, not too many connections already. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #lookUps = new Set<LookUp>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Reads what must be read before the first await: the request is gone afterwards.
   *
   * @param trustProxy believe X-Forwarded-For
   */
  credentials(response: HttpResponse, request: HttpRequest, trustProxy: boolean): Credentials {
    return {
      address: remoteAddress(response, request, trustProxy),
      origin: request.getHeader('origin') || undefined,
      host: request.getHeader('host'),
      token: readToken({
        cookie: request.getHeader('cookie') || undefined,
        authorization: request.getHeader('authorization') || undefined,
      }),
    };
  }

  /** What there is to object at the door, once for each that comes, before anything costs; undefined for nothing. */
  refusal(credentials: Credentials): AppError | undefined {
    const { maxConnections, connections, addressLimit } = this.#options;
    const retryAfterMs = addressLimit.take(credentials.address, performance.now());
    if (retryAfterMs > 0) return new AppError('rate_limited', undefined, { retryAfterMs });
    if (maxConnections > 0 && connections() >= maxConnections) {
      return new AppError('server_full', undefined, { retryAfterMs: 5000 });
    }
    return this.objection(credentials);
  }

  /** What needs no look-up; undefined when there is nothing to object. */
  objection({ origin, host, token }: Credentials): AppError | undefined {
    const { allowedOrigins, draining } = this.#options;
    if (!originAllowed(origin, host, allowedOrigins)) return new AppError('origin_refused');
    if (draining()) return new AppError('draining', undefined, { retryAfterMs: 1000 });
    return token === undefined ? new AppError('unauthenticated') : undefined;
  }

  /**
   * Lets a client in.
   *
   * @param enter attaches a peer for it. It is called in the turn in which all was found in order, so that nothing that is
   * told in between is missed.
   * @returns what `enter` returns
   * @throws AppError origin_refused, draining, unauthenticated, too_many_sockets; Redis' errors
   */
  async admit<T>(credentials: Credentials, enter: (admitted: Admitted) => T): Promise<T> {
    // An event reaches who is connected; who is just being looked up is looked up again.
    for (;;) {
      const objection = this.objection(credentials);
      if (objection) throw objection;
      const session = hashToken(credentials.token!);
      const lookUp: LookUp = { session, ended: false, changed: [] };
      this.#lookUps.add(lookUp);
      let claim: Claim | undefined;
      try {
        const user = await this.#userOf(session);
        claim = this.#claim(user);
        const [rooms, granted] = await Promise.all([
          this.#options.users.roomsOf(user.id),
          claim === undefined || claim.granted,
        ]);
        // The drain may have begun meanwhile.
        if (this.#options.draining()) throw new AppError('draining', undefined, { retryAfterMs: 1000 });
        if (lookUp.ended || lookUp.changed.includes(user.id)) continue;
        if (!granted) throw new AppError('too_many_sockets', undefined, { retryAfterMs: 10_000 });
        return enter({ user, session, rooms });
      } finally {
        claim?.release();
        this.#lookUps.delete(lookUp);
      }
    }
  }

  /** Users got a room, or lost their sessions: what was looked up of them before may be wrong. */
  usersChanged(userIds: readonly UserId[]): void {
    for (const { changed } of this.#lookUps) changed.push(...userIds);
  }

  /** A session ended. Look-ups of others go on: in a storm some session ends all the time. */
  sessionEnded(session: string): void {
    for (const lookUp of this.#lookUps) if (lookUp.session === session) lookUp.ended = true;
  }

  /** Events were missed: whoever is being looked up is looked up again. */
  eventsMissed(): void {
    for (const lookUp of this.#lookUps) lookUp.ended = true;
  }

  async #userOf(session: string): Promise<User> {
    const found = await this.#options.sessions.findByHash(session);
    if (!found) throw new AppError('unauthenticated');
    return found.user;
  }

  #claim(user: User): Claim | undefined {
    const { presence, socketsPerUser } = this.#options;
    return socketsPerUser === 0 ? undefined : presence.claim(user, socketsPerUser);
  }
}
