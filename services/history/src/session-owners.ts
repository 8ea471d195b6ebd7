import { type AppContext, AppError, readToken } from '@chat/kit';
import type { UserId } from '@chat/protocol';
import { hashToken, type Sessions } from '@chat/store';

const MAX_REMEMBERED = 10_000;
const nothing = () => undefined;

/**
 * Remembers whose session it was that a token opened, which is true for ever, and never whether the session is still
 * valid. With that a request reads what it asks for while its session is checked, in one round trip; it is answered
 * only when the check succeeded. A logout therefore counts at once, as without it.
 */
export class SessionOwners {
  readonly #sessions: Pick<Sessions, 'findByHash'>;
  readonly #owners = new Map<string, UserId>();

  constructor(sessions: Pick<Sessions, 'findByHash'>) {
    this.#sessions = sessions;
  }

  /**
   * What `read` gives for the session's user; `read` may be called, but not heard, without a valid session.
   *
   * @throws AppError unauthenticated
   */
  async read<T>(ctx: AppContext, read: (userId: UserId) => Promise<T>): Promise<T> {
    const token = readToken(ctx.req.headers);
    if (token === undefined) throw new AppError('unauthenticated');
    const hash = hashToken(token);
    const owner = this.#owners.get(hash);
    const early = owner === undefined ? undefined : read(owner);
    // The session's failure goes first; then this one is of no interest.
    early?.catch(nothing);
    const session = await this.#sessions.findByHash(hash);
    if (session === undefined) throw new AppError('unauthenticated');
    const { user } = session;
    if (early !== undefined && owner === user.id) return early;
    this.#remember(hash, user.id);
    return read(user.id);
  }

  #remember(hash: string, userId: UserId): void {
    for (const oldest of this.#owners.keys()) {
      if (this.#owners.size < MAX_REMEMBERED) break;
      this.#owners.delete(oldest);
    }
    this.#owners.set(hash, userId);
  }
}
