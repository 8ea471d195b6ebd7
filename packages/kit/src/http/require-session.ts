import { AppError } from '../errors.ts';
import { readToken } from './cookies.ts';
import type { AppMiddleware, FoundSession } from './state.ts';

/** What finds sessions by their token: the store's Sessions. */
export interface SessionFinder {
  find(token: string): Promise<FoundSession | undefined>;
}

/** Lets only requests with a valid session through and sets ctx.state.user and ctx.state.session; else 401. */
export function requireSession(sessions: SessionFinder): AppMiddleware {
  return async (ctx, next) => {
    const token = readToken(ctx.req.headers);
    const session = token === undefined ? undefined : await sessions.find(token);
    if (session === undefined) throw new AppError('unauthenticated');
    ctx.state.session = session;
    ctx.state.user = session.user;
    await next();
  };
}
