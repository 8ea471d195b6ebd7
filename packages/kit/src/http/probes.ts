import Router from '@koa/router';
import type { Readiness } from '../health.ts';
import type { Metrics } from '../metrics.ts';
import type { AppState } from './state.ts';

/** GET /healthz: the process lives. GET /readyz: it takes traffic. GET /metrics: Prometheus. */
export function probes(readiness: Readiness, metrics: Metrics): Router<AppState> {
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
  return router;
}
