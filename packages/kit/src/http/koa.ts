import Router from '@koa/router';
import Koa from 'koa';
import type { BaseConfig } from '../config.ts';
import type { Readiness } from '../health.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { crossOrigin } from './cross-origin.ts';
import { errorResponse } from './error-response.ts';
import { jsonBody } from './json-body.ts';
import { probes } from './probes.ts';
import { accessLog, requestId } from './request-log.ts';
import { securityHeaders } from './security-headers.ts';
import type { App, AppState } from './state.ts';

interface KoaParts {
  logger: Logger;
  metrics: Metrics;
  readiness: Readiness;
  config: Pick<BaseConfig, 'ALLOWED_ORIGINS' | 'TRUST_PROXY'>;
}

/** An app with everything that all HTTP services share; add routes with {@link mount}. */
export function createKoa({ logger, metrics, readiness, config }: KoaParts): App {
  const app: App = new Koa<AppState>();
  app.proxy = config.TRUST_PROXY;
  // The last address of X-Forwarded-For is the one that our gateway saw; those before it are what the client claims.
  app.maxIpsCount = 1;
  app.on('error', (err) => logger.error({ err }, 'response failed'));
  app
    .use(requestId(logger))
    .use(accessLog(metrics))
    .use(securityHeaders)
    .use(errorResponse)
    .use(crossOrigin(config.ALLOWED_ORIGINS))
    // Once for all routers: each leaves what it matched in the context.
    .use(new Router<AppState>().allowedMethods())
    .use(probes(readiness, metrics))
    .use(jsonBody);
  return app;
}

/** A router for {@link mount}: a path has one spelling, as the gateway and the OpenAPI files know it. */
export function createRouter(): Router<AppState> {
  return new Router<AppState>({ strict: true, sensitive: true });
}

/** Adds routes; methods that they do not have are answered by 405 with Allow. */
export function mount(app: App, router: Router<AppState>): void {
  app.use(router.routes());
}
