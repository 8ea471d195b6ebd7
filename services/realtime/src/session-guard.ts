import { isRedisAway, type Logger } from '@chat/kit';
import { CLOSE } from '@chat/protocol';
import type { Sessions } from '@chat/store';
import type { LocalUsers } from './local-users.ts';

/** Sessions looked up in one round trip. */
const BATCH = 500;

/** Closes the sockets of sessions that ended: at once when told, and by looking now and then when not. */
export class SessionGuard {
  readonly #sessions: Sessions;
  readonly #users: LocalUsers;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: Sessions, users: LocalUsers, logger: Logger) {
    this.#sessions = sessions;
    this.#users = users;
    this.#logger = logger;
  }

  start(intervalMs: number): void {
    this.#timer = setInterval(() => void this.check(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @returns how many connections were closed */
  revoke(session: string): number {
    const peers = [...this.#users.peersOf(session)];
    for (const peer of peers) peer.end(CLOSE.sessionEnded);
    return peers.length;
  }

  async check(): Promise<void> {
    const hashes = [...this.#users.sessions()];
    try {
      for (let start = 0; start < hashes.length; start += BATCH) {
        const batch = hashes.slice(start, start + BATCH);
        const exist = await this.#sessions.exists(batch);
        for (const [index, hash] of batch.entries()) if (!exist[index]) this.revoke(hash);
      }
    } catch (err) {
      if (!isRedisAway(err)) this.#logger.error({ err }, 'checking sessions failed');
    }
  }
}
