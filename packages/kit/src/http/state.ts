import type { User } from '@chat/protocol';
import type Koa from 'koa';
import type { Logger } from '../logger.ts';

/** Who is logged in, as a session tells. */
export interface FoundSession {
  /** SHA-256 of the token: the session's name in Redis. */
  hash: string;
  user: User;
}

/** What the middleware of every service leaves in `ctx.state`. */
export interface AppState {
  requestId: string;
  /** Logs with the request id in every line. */
  log: Logger;
  /** Set by requireSession. */
  user: User;
  /** Set by requireSession. */
  session: FoundSession;
}

export type App = Koa<AppState>;
export type AppContext = Koa.ParameterizedContext<AppState>;
export type AppMiddleware = Koa.Middleware<AppState>;
