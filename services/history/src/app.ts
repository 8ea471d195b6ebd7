import { type App, coalesceWrites, createKoa, mount, requireSession, type ServiceParts } from '@chat/kit';
import { OnlineUsers, Pages, RateLimit, Rooms, Sessions, Users } from '@chat/store';
import type { Config } from './config.ts';
import { HistoryMetrics } from './history-metrics.ts';
import { PageBodies } from './page-bodies.ts';
import { RoomEvents } from './room-events.ts';
import { messageRoutes } from './routes/messages.ts';
import { roomRoutes } from './routes/rooms.ts';
import { userRoutes } from './routes/users.ts';
import { SessionOwners } from './session-owners.ts';

/** The history service without a port. Everything but the probes needs a session. */
export function createApp(service: ServiceParts<Config>): App {
  const { config, redis, serverId, metrics } = service;
  const writes = coalesceWrites(redis);
  const schedule = writes.beforeLeaving.bind(writes);
  const sessions = new Sessions(redis, { ttlSeconds: config.SESSION_TTL_SECONDS, serverId, schedule });
  const guard = requireSession(sessions);
  const rooms = new Rooms(redis, schedule);
  const users = new Users(redis);
  const app = createKoa(service);
  const pages = new PageBodies(new Pages(redis), schedule);
  const owners = new SessionOwners(sessions);
  mount(app, messageRoutes({ rooms, pages, owners, metrics: new HistoryMetrics(metrics) }));
  const limit = new RateLimit(redis, {
    name: 'rooms',
    points: config.ROOMS_PER_USER,
    windowSeconds: 3600,
    enabled: config.LIMITS,
  });
  const events = new RoomEvents(redis, serverId, config.SHARE_PRIVATE);
  mount(app, roomRoutes({ rooms, users, events, guard, limit, schedule }));
  mount(app, userRoutes({ users, online: new OnlineUsers(redis), guard }));
  return app;
}
