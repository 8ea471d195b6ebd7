import { isRedisAway, type Logger } from '@chat/kit';
import { CLOSE, type UserId } from '@chat/protocol';
import type { RevocationAnswers, Sessions } from '@chat/store';
import type { LocalUsers } from './local-users.ts';
import type { Peer } from './peer.ts';

/** Sessions looked up in one round trip. */
const BATCH = 500;

interface SessionGuardOptions {
  serverId: string;
  sessions: Sessions;
  answers: RevocationAnswers;
  users: LocalUsers;
  logger: Logger;
}

/** Closes the sockets of sessions that ended: at once when told, and by looking now and then when not. */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SessionGuardOptions) {
    this.#options = options;
  }

  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.check(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A session was revoked. @returns how many connections were closed */
  revoke(session: string): number {
    return this.#end(session);
  }

  /** All sessions of a user were, but for one. @returns how many connections were closed */
  revokeUser(userId: UserId, except: unknown): number {
    return endAll(
      (this.#options.users.find(userId)?.peers ?? []).filter(({ session }) => session !== except),
    );
  }

  /** Tells whoever revoked how many connections that closed here. */
  answer(request: string, closed: number): void {
    const { answers, serverId, logger } = this.#options;
    answers.answer(request, serverId, closed).catch((err: unknown) => {
      if (!isRedisAway(err)) logger.error({ err }, 'answering a revocation failed');
    });
  }

  async check(): Promise<void> {
    const { sessions, users, logger } = this.#options;
    const hashes = [...users.sessions()];
    try {
      for (let start = 0; start < hashes.length; start += BATCH) {
        const batch = hashes.slice(start, start + BATCH);
        const exist = await sessions.use(batch);
        for (const [index, hash] of batch.entries()) if (!exist[index]) this.#end(hash);
      }
    } catch (err) {
      if (!isRedisAway(err)) logger.error({ err }, 'checking sessions failed');
    }
  }

  #end(session: string): number {
    return endAll(this.#options.users.peersOf(session));
  }
}

function endAll(peers: readonly Peer[]): number {
  for (const peer of peers) peer.end(CLOSE.sessionEnded);
  return peers.length;
}
