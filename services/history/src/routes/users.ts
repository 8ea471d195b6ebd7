import { type AppMiddleware, type AppState, createRouter } from '@chat/kit';
import type { UserId } from '@chat/protocol';
import type { OnlineUsers, Users } from '@chat/store';
import type Router from '@koa/router';
import { PacedRead } from '../paced-read.ts';
import { readUserIds } from '../user-ids.ts';

interface UserParts {
  users: Users;
  online: OnlineUsers;
  guard: AppMiddleware;
}

/** Users that GET /users/online lists at most; X-Total-Count says how many are online. */
export const MAX_ONLINE_LISTED = 1000;
/** How often that list is made at most, in milliseconds: after a crowd came or went, every page asks for it. */
const ONLINE_INTERVAL_MS = 1000;

/** GET /users/online and GET /users?ids[]=1&ids[]=2: objects by user id, as in the tutorial. */
export function userRoutes({ users, online, guard }: UserParts): Router<AppState> {
  const router = createRouter();
  const onlineList = new PacedRead(async () => {
    const { ids, total } = await online.some(MAX_ONLINE_LISTED);
    const json = JSON.stringify(listing(await users.names(ids), () => true));
    return { json: Buffer.from(json), total };
  }, ONLINE_INTERVAL_MS);

  router.get('/users/online', guard, async (ctx) => {
    const { json, total } = await onlineList.get();
    ctx.set('X-Total-Count', String(total));
    ctx.type = 'json';
    ctx.body = json;
  });

  router.get('/users', guard, async (ctx) => {
    const ids = readUserIds(ctx.query);
    const [names, onlineIds] = await Promise.all([users.names(ids), online.among(ids)]);
    ctx.body = listing(names, (id) => onlineIds.has(id));
  });

  return router;
}

function listing(names: Map<UserId, string>, isOnline: (id: UserId) => boolean): object {
  return Object.fromEntries(
    Array.from(names, ([id, username]) => [id, { id, username, online: isOnline(id) }]),
  );
}
