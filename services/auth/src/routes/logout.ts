import { type AppMiddleware, readToken } from '@chat/kit';
import type { Revoked } from '@chat/store';
import { clearSessionCookie } from '../session-cookie.ts';
import type { RouteParts } from './parts.ts';

const NOTHING: Revoked = { sessions: 0, closed: 0, unanswered: 0 };

/** POST /logout: ends the session everywhere. Without a valid one there is nothing to end, and that is what was wanted. */
export function logout({ sessions }: RouteParts): AppMiddleware {
  return async (ctx) => {
    const token = readToken(ctx.req.headers);
    const session = token === undefined ? undefined : await sessions.find(token);
    const revoked = session === undefined ? NOTHING : await sessions.revoke(session);
    clearSessionCookie(ctx);
    ctx.body = revoked;
  };
}
