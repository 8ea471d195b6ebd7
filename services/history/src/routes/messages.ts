import { type AppContext, AppError, type AppState, createRouter } from '@chat/kit';
import { GENERAL, privateMembers, type RoomId, type UserId } from '@chat/protocol';
import type { Rooms } from '@chat/store';
import type Router from '@koa/router';
import type { HistoryMetrics } from '../history-metrics.ts';
import type { PageBodies, PageBody } from '../page-bodies.ts';
import { type PageQuery, readPageQuery } from '../page-query.ts';
import { readRoomId } from '../room-id.ts';
import type { SessionOwners } from '../session-owners.ts';

interface MessageParts {
  rooms: Rooms;
  pages: PageBodies;
  owners: SessionOwners;
  metrics: HistoryMetrics;
}

/** As many as the tutorial's servers preload. */
const PRELOADED: PageQuery = { range: 'newest', offset: 0, size: 20 };

/** GET /room/0/preload and GET /room/:id/messages. */
export function messageRoutes({ rooms, pages, owners, metrics }: MessageParts): Router<AppState> {
  const router = createRouter();

  router.get('/room/0/preload', async (ctx) => {
    const [page, name] = await owners.read(ctx, (user) =>
      Promise.all([readPage(user, GENERAL, PRELOADED), rooms.name(GENERAL)]),
    );
    metrics.page(PRELOADED.range, page);
    send(ctx, `{"id":"${GENERAL}","name":${JSON.stringify(name)},"messages":${page.json}}`);
  });

  // A wildcard, so that /room/../x/messages is told that its id is none.
  router.get('/room/*id/messages', async (ctx) => {
    const roomId = readRoomId(ctx.params.id);
    // Not ctx.query: node:querystring takes five times as long.
    const query = readPageQuery(new URLSearchParams(ctx.querystring));
    const page = await owners.read(ctx, (user) => readPage(user, roomId, query));
    metrics.page(query.range, page);
    send(ctx, page.json);
  });

  return router;

  /** Asks for permission and page at once. */
  async function readPage(userId: UserId, roomId: RoomId, query: PageQuery): Promise<PageBody> {
    const [access, page] = await Promise.all([rooms.access(userId, roomId), pages.read(roomId, query)]);
    if (access === 'unknown') throw new AppError('room_not_found');
    // Anybody may enter a named room by frame, and reads here what that connection missed.
    if (access === 'forbidden' && privateMembers(roomId)) throw new AppError('room_forbidden');
    return page;
  }
}

function send(ctx: AppContext, json: string | Buffer): void {
  ctx.set('Cache-Control', 'private, no-store');
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.body = json;
}
