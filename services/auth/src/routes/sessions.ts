import { type AppMiddleware, readInput } from '@chat/kit';
import { z } from 'zod';
import { clearSessionCookie } from '../session-cookie.ts';
import type { RouteParts } from './parts.ts';

const query = z.object({ others: z.enum(['true', 'false'], 'expected true or false').default('false') });

/** DELETE /sessions: ends all sessions of the user; with ?others=true all but the one that asks. */
export function endSessions({ sessions }: RouteParts): AppMiddleware {
  return async (ctx) => {
    const { others } = readInput(query, ctx.query);
    const { user, hash } = ctx.state.session;
    ctx.body = await sessions.revokeAll(user.id, others === 'true' ? hash : undefined);
    if (others === 'false') clearSessionCookie(ctx);
  };
}
