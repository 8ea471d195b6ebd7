import { type AppMiddleware, parseCookies, readToken, SESSION_COOKIE } from '@chat/kit';
import { setSessionCookie } from '../session-cookie.ts';
import type { RouteParts } from './parts.ts';

/** GET /me: who is logged in. The cookie is set anew, so that it lives as long as the session, which slides. */
export function me({ config }: RouteParts): AppMiddleware {
  return (ctx) => {
    const token = readToken(ctx.req.headers);
    const cookie = parseCookies(ctx.req.headers.cookie)[SESSION_COOKIE];
    if (token !== undefined && token === cookie) setSessionCookie(ctx, token, config.SESSION_TTL_SECONDS);
    ctx.body = ctx.state.user;
  };
}
