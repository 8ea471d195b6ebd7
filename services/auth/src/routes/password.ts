import { AppError, type AppMiddleware, clientAddress, readInput } from '@chat/kit';
import { z } from 'zod';
import type { RouteParts } from './parts.ts';

const passwords = z.object({ old: z.string('expected a string'), new: z.string('expected a string') });

/** POST /password: replaces the password and ends all other sessions of the user. Guesses count as logins do. */
export function changePassword({ accounts, sessions, limits }: RouteParts): AppMiddleware {
  return async (ctx) => {
    const input = readInput(passwords, ctx.request.body);
    const { user, hash } = ctx.state.session;
    const address = clientAddress(ctx.ip);
    const retryAfterMs = await limits.attempt(address, user.username);
    if (retryAfterMs > 0) throw new AppError('rate_limited', undefined, { retryAfterMs });
    await accounts.changePassword(user, input.old, input.new);
    await limits.succeeded(address, user.username);
    ctx.body = await sessions.revokeAll(user.id, hash);
  };
}
