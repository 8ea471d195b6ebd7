import { AppError } from '../errors.ts';
import { originAllowed } from './origin.ts';
import type { AppContext, AppMiddleware } from './state.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * CORS with credentials for the allowed origins; a request from another one may read nothing, and is refused when it
 * would change something: the browser would send the cookie along.
 */
export function crossOrigin(allowed: readonly string[]): AppMiddleware {
  return (ctx, next) => {
    ctx.res.setHeader('Vary', 'Origin');
    const { origin = '', host } = ctx.req.headers;
    const accepted = originAllowed(origin, host, allowed);
    const preflight =
      ctx.method === 'OPTIONS' && origin !== '' && ctx.get('Access-Control-Request-Method') !== '';
    if (!accepted && (preflight || !SAFE_METHODS.has(ctx.method))) throw new AppError('origin_refused');
    if (accepted && origin !== '') allow(ctx, origin);
    if (!preflight) return next();
    ctx.set('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE');
    ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Request-Id');
    ctx.set('Access-Control-Max-Age', '600');
    ctx.status = 204;
  };
}

function allow(ctx: AppContext, origin: string): void {
  ctx.set('Access-Control-Allow-Origin', origin);
  ctx.set('Access-Control-Allow-Credentials', 'true');
  ctx.set('Access-Control-Expose-Headers', 'Retry-After, X-Request-Id');
}
