import { type AppContext, type AppMiddleware, readToken } from '@chat/kit';
import type { UserId } from '@chat/protocol';
import { hashToken } from '@chat/store';

const MAX_REMEMBERED = 10_000;
const nothing = () => Promise.resolve();

/**
 * Remembers whose session it was that a token opened, which is true for ever, and never whether the session is still
 * valid. With that a request reads what it asks for while its session is checked, in one round trip; it is answered
 * only when the check succeeded. A logout therefore counts at once, as without it.
 */
export class SessionOwners {
  readonly #guard: AppMiddleware;
  readonly #owners = new Map<string, UserId>();

  /** @param guard lets requests with a valid session pass and sets ctx.state.user. */
  constructor(guard: AppMiddleware) {
    this.#guard = guard;
  }

  /** What `read` gives for the session's user; `read` may be called, but not heard, without a valid session. */
  async read<T>(ctx: AppContext, read: (userId: UserId) => Promise<T>): Promise<T> {
    const owner = this.#ownerOf(ctx);
    const early = owner === undefined ? undefined : read(owner);
    // The session's failure goes first; then this one is of no interest.
    early?.catch(nothing);
    await this.#guard(ctx, nothing);
    const { session, user } = ctx.state;
    if (early !== undefined && owner === user.id) return early;
    this.#remember(session.hash, user.id);
    return read(user.id);
  }

  #ownerOf(ctx: AppContext): UserId | undefined {
    const token = readToken(ctx.req.headers);
    return token === undefined ? undefined : this.#owners.get(hashToken(token));
  }

  #remember(hash: string, userId: UserId): void {
    for (const oldest of this.#owners.keys()) {
      if (this.#owners.size < MAX_REMEMBERED) break;
      this.#owners.delete(oldest);
    }
    this.#owners.set(hash, userId);
  }
}
