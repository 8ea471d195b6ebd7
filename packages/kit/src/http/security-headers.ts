import type { AppMiddleware } from './state.ts';

/** For answers that are data, never pages: not sniffed, framed, cached or run. */
export const securityHeaders: AppMiddleware = (ctx, next) => {
  ctx.set('X-Content-Type-Options', 'nosniff');
  ctx.set('X-Frame-Options', 'DENY');
  ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  ctx.set('Referrer-Policy', 'no-referrer');
  ctx.set('Cache-Control', 'no-store');
  return next();
};
