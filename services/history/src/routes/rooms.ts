import { AppError, type AppMiddleware, type AppState, createRouter, readInput } from '@chat/kit';
import { normalizeName, privateMembers, type UserId } from '@chat/protocol';
import { batched, type RateLimit, type Rooms, type Schedule, type Users } from '@chat/store';
import type Router from '@koa/router';
import { z } from 'zod';
import type { RoomEvents } from '../room-events.ts';
import { readRoomId } from '../room-id.ts';
import { readUserId, userId } from '../user-ids.ts';

interface RoomParts {
  rooms: Rooms;
  users: Users;
  events: RoomEvents;
  guard: AppMiddleware;
  /** By user. */
  limit: RateLimit;
  schedule: Schedule;
}

const privateRoomInput = z.object({ user1: userId, user2: userId });
const namedRoomInput = z.object({ name: z.unknown() });

/** GET /rooms/:userId, POST /room, POST /rooms and POST /rooms/:id/join. */
export function roomRoutes({ rooms, users, events, guard, limit, schedule }: RoomParts): Router<AppState> {
  const router = createRouter();
  const usernames = users.names.bind(users);
  const limited = limitRooms(limit);
  // A list of a thousand rooms is much work, so requests of a user that come in together share one.
  const listOf = batched(
    (ids: readonly UserId[]) => Promise.all(ids.map((id) => list(id).catch((error: Error) => error))),
    schedule,
  );

  async function list(id: UserId): Promise<string> {
    const infos = await rooms.info(await rooms.roomsOf(id), usernames);
    // `names` for all of them, as the tutorial's clients read it.
    return JSON.stringify(
      infos.map((info) => ('name' in info ? { id: info.id, name: info.name, names: [info.name] } : info)),
    );
  }

  router.get('/rooms/:userId', guard, async (ctx) => {
    const id = readUserId(ctx.params.userId);
    if (id !== ctx.state.user.id) throw new AppError('forbidden');
    ctx.type = 'json';
    ctx.body = await listOf(id);
  });

  router.post('/room', guard, limited, async (ctx) => {
    const { user1, user2 } = readInput(privateRoomInput, ctx.request.body);
    const own = ctx.state.user.id;
    if (user1 !== own && user2 !== own) throw new AppError('forbidden');
    if (user1 === user2) throw new AppError('bad_request', 'a private room needs two different users');
    const room = await rooms.createPrivate(user1, user2);
    if (room === undefined) throw new AppError('user_not_found');
    const [info] = await rooms.info([room.id], usernames);
    const { names } = info as { names: [string, string] };
    // Told even when nothing is new: the answer to the first attempt may have been lost, and its event with it.
    await events.privateRoom(room.id, names);
    ctx.status = room.created ? 201 : 200;
    ctx.body = { id: room.id, names };
  });

  router.post('/rooms', guard, limited, async (ctx) => {
    const name = normalizeName(readInput(namedRoomInput, ctx.request.body).name);
    if (name === undefined) throw new AppError('invalid_name');
    const room = await rooms.createNamed(name, ctx.state.user.id);
    await events.namedRoom(room.id, room.name, ctx.state.user.id);
    ctx.status = 201;
    ctx.body = room;
  });

  router.post('/rooms/*id/join', guard, limited, async (ctx) => {
    const id = readRoomId(ctx.params.id);
    if (privateMembers(id)) throw new AppError('room_forbidden', 'a private room cannot be joined');
    const name = await rooms.join(ctx.state.user.id, id);
    if (name === undefined) throw new AppError('room_not_found');
    await events.namedRoom(id, name, ctx.state.user.id);
    ctx.body = { id, name };
  });

  return router;
}

/** Every room that a user makes, opens or joins stays: not without end. */
function limitRooms(limit: RateLimit): AppMiddleware {
  return async (ctx, next) => {
    const retryAfterMs = await limit.take(ctx.state.user.id);
    if (retryAfterMs > 0) throw new AppError('rate_limited', undefined, { retryAfterMs });
    await next();
  };
}
