import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { PROBE_PATHS } from './probes.ts';
import type { AppContext, AppMiddleware } from './state.ts';

// Nothing that could break a log line or a header.
const SANE_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/** Gives every request an id (the client's own when it is sane), answers with it and puts it into every log line. */
export function requestId(logger: Logger): AppMiddleware {
  return (ctx, next) => {
    const given = ctx.req.headers['x-request-id'];
    const id = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
    ctx.state.requestId = id;
    ctx.state.log = logger.child({ requestId: id });
    ctx.res.setHeader('X-Request-Id', id);
    return next();
  };
}

/** One line for each request; probes only at level debug. The query is left out: it may hold what is private. */
export function accessLog(metrics: Metrics): AppMiddleware {
  return async (ctx, next) => {
    const start = performance.now();
    await next();
    const ms = performance.now() - start;
    metrics.httpDuration.observe(
      { method: ctx.method, route: routeOf(ctx), status: String(ctx.status) },
      ms / 1000,
    );
    const line = {
      method: ctx.method,
      path: ctx.path,
      status: ctx.status,
      ms: Math.round(ms * 100) / 100,
      ip: ctx.ip,
    };
    ctx.state.log[PROBE_PATHS.has(ctx.path) ? 'debug' : 'info'](line, 'request');
  };
}

/** The matched route, not the path: a label with every id in it would be a series for each. */
function routeOf(ctx: AppContext): string {
  const { _matchedRoute } = ctx as unknown as { _matchedRoute?: string | RegExp };
  return _matchedRoute === undefined ? 'none' : String(_matchedRoute);
}
