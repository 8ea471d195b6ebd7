import Router from '@koa/router';
import type { Readiness } from '../health.ts';
import type { Metrics } from '../metrics.ts';
import type { AppMiddleware, AppState } from './state.ts';

export const PROBE_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** GET /healthz: the process lives. GET /readyz: it takes traffic. GET /metrics: Prometheus. */
export function probes(readiness: Readiness, metrics: Metrics): AppMiddleware {
  const router = new Router<AppState>();
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/readyz', async (ctx) => {
    const report = await readiness.report();
    ctx.status = report.ready ? 200 : 503;
    ctx.body = report;
  });
  router.get('/metrics', async (ctx) => {
    ctx.set('Content-Type', metrics.contentType);
    ctx.body = await metrics.render();
  });
  const routes = router.routes();
  // All other requests would be matched in vain, for a twentieth of what a page of history costs.
  return (ctx, next) => (PROBE_PATHS.has(ctx.path) ? routes(ctx as never, next) : next());
}
