import { AppError, type AppMiddleware, clientAddress, readInput } from '@chat/kit';
import { setSessionCookie } from '../session-cookie.ts';
import { credentials } from './credentials.ts';
import type { RouteParts } from './parts.ts';

/** POST /register: makes a user and logs it in. */
export function register({ accounts, sessions, limits, config }: RouteParts): AppMiddleware {
  return async (ctx) => {
    const { username, password } = readInput(credentials, ctx.request.body);
    const address = clientAddress(ctx.ip);
    const retryAfterMs = await limits.attempt(address);
    if (retryAfterMs > 0) throw new AppError('rate_limited', undefined, { retryAfterMs });
    const user = await accounts.register(username, password, address);
    await limits.succeeded(address);
    const { token } = await sessions.create(user);
    setSessionCookie(ctx, token, config.SESSION_TTL_SECONDS);
    ctx.status = 201;
    ctx.body = { ...user, token };
  };
}
