import { timingSafeEqual } from 'node:crypto';
import { type AppContext, AppError, type AppMiddleware, clientAddress, readInput } from '@chat/kit';
import { hashToken } from '@chat/store';
import { z } from 'zod';
import type { RouteParts } from './parts.ts';

const whose = z.object({ userId: z.int('expected a user id').positive('expected a user id') });

/** POST /admin/revoke: ends all sessions of a user, for whoever has ADMIN_TOKEN. Without that setting it is not there. */
export function adminRevoke({ users, sessions, limits, config }: RouteParts): AppMiddleware {
  const { ADMIN_TOKEN } = config;
  return async (ctx) => {
    if (ADMIN_TOKEN === undefined) throw new AppError('not_found');
    const address = clientAddress(ctx.ip);
    const retryAfterMs = await limits.attempt(address);
    if (retryAfterMs > 0) throw new AppError('rate_limited', undefined, { retryAfterMs });
    if (!sameText(bearerOf(ctx), ADMIN_TOKEN))
      throw new AppError('unauthenticated', 'the admin token is wrong');
    await limits.succeeded(address);
    const { userId } = readInput(whose, ctx.request.body);
    if ((await users.find(userId)) === undefined) throw new AppError('user_not_found');
    const revoked = await sessions.revokeAll(userId);
    ctx.state.log.warn({ userId, ...revoked }, 'an admin ended all sessions of a user');
    ctx.body = revoked;
  };
}

function bearerOf(ctx: AppContext): string {
  return /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1] ?? '';
}

/** Of hashes, as only texts of one length can be compared in constant time. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(hashToken(a)), Buffer.from(hashToken(b)));
}
