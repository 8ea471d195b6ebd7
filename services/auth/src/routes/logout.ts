import { type AppMiddleware, readToken } from '@chat/kit';
import { clearSessionCookie } from '../session-cookie.ts';
import type { RouteParts } from './parts.ts';

/** POST /logout: ends the session everywhere. Without a valid one there is nothing to end, and that is what was wanted. */
export function logout({ sessions }: RouteParts): AppMiddleware {
  return async (ctx) => {
    const token = readToken(ctx.req.headers);
    const session = token === undefined ? undefined : await sessions.find(token);
    if (session !== undefined) await sessions.revoke(session.hash);
    clearSessionCookie(ctx);
    ctx.status = 204;
  };
}
