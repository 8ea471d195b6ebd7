import type { AppMiddleware } from './state.ts';

const HEADERS = Object.entries({
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
});

/** For answers that are data, never pages: not sniffed, framed, cached or run. */
export const securityHeaders: AppMiddleware = (ctx, next) => {
  for (const [name, value] of HEADERS) ctx.res.setHeader(name, value);
  return next();
};
