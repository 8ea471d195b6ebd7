import { type AppContext, SESSION_COOKIE } from '@chat/kit';

/** Sets the session's cookie: not readable by scripts, not sent from other sites, Secure when the request came by TLS. */
export function setSessionCookie(ctx: AppContext, token: string, ttlSeconds: number): void {
  ctx.cookies.set(SESSION_COOKIE, token, {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    maxAge: ttlSeconds * 1000,
    overwrite: true,
  });
}

export function clearSessionCookie(ctx: AppContext): void {
  ctx.cookies.set(SESSION_COOKIE, null, { httpOnly: true, sameSite: 'lax', path: '/', overwrite: true });
}
