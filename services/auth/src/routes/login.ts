import {
  type AppContext,
  AppError,
  type AppMiddleware,
  clientAddress,
  readInput,
  toAppError,
} from '@chat/kit';
import { triedName } from '../accounts.ts';
import { setSessionCookie } from '../session-cookie.ts';
import { credentials } from './credentials.ts';
import type { RouteParts } from './parts.ts';

/** POST /login: a session for a name and its password. */
export function login(parts: RouteParts): AppMiddleware {
  const { logins } = parts.metrics;
  return async (ctx) => {
    try {
      const registered = await openSession(ctx, parts);
      logins.inc({ outcome: registered ? 'registered' : 'ok' });
    } catch (error) {
      logins.inc({ outcome: toAppError(error).code });
      throw error;
    }
  };
}

/** @returns whether the user was made by it. */
async function openSession(ctx: AppContext, parts: RouteParts): Promise<boolean> {
  const { accounts, sessions, limits, config } = parts;
  const { username, password } = readInput(credentials, ctx.request.body);
  const address = clientAddress(ctx.ip);
  const name = triedName(username);
  const retryAfterMs = await limits.attempt(address, name);
  if (retryAfterMs > 0) throw new AppError('rate_limited', undefined, { retryAfterMs });
  const login = await accounts.login(username, password, address);
  const { user, registered } = login;
  await limits.succeeded(address, name);
  const { token, hash } = await sessions.create(user);
  // A change of the password ends the sessions that it finds: this one may have come just after.
  if (!(await accounts.holds(login))) {
    await sessions.revoke({ hash, user });
    throw new AppError('invalid_credentials');
  }
  setSessionCookie(ctx, token, config.SESSION_TTL_SECONDS);
  ctx.body = { ...user, token };
  return registered;
}
