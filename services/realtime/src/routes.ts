import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { AppError, type Logger, type Metrics, type Readiness } from '@chat/kit';
import { endWith, mountGet, sendError, sendJson, statusLine } from './http-response.ts';
import type { Page } from './page.ts';
import type { Streams } from './stream.ts';

interface Routes {
  serverId: string;
  logger: Logger;
  metrics: Metrics;
  readiness: Readiness;
  streams: Streams;
  page: Page;
}

/** The HTTP side of the realtime service: probes, metrics, event streams and the page. */
export function mountRoutes(
  app: TemplatedApp,
  { serverId, logger, metrics, readiness, streams, page }: Routes,
): void {
  mountGet(app, '/healthz', (response) => sendJson(response, 200, { status: 'ok', serverId }));
  mountGet(
    app,
    '/readyz',
    answer(logger, async () => {
      const report = await readiness.report();
      return (response) => sendJson(response, report.ready ? 200 : 503, { ...report, serverId });
    }),
  );
  mountGet(
    app,
    '/metrics',
    answer(logger, async () => {
      const text = await metrics.render();
      return (response) => {
        response.writeStatus(statusLine(200)).writeHeader('Content-Type', metrics.contentType);
        endWith(response, text);
      };
    }),
  );
  mountGet(app, '/stream', (response, request) => streams.open(response, request));
  mountSocketAddress(app);
  mountGet(app, '/*', (response, request) => {
    if (!page.serve(response, request)) sendError(response, new AppError('not_found'));
  });
  app.any('/*', (response) => {
    response.writeStatus(statusLine(405)).writeHeader('Allow', 'GET, HEAD');
    sendError(response, new AppError('method_not_allowed'));
  });
}

/** The port of the socket plane has nothing but sockets: metrics and probes are not for the world. */
export function mountSocketRoutes(app: TemplatedApp): void {
  mountSocketAddress(app);
  const refuse = (response: HttpResponse) => sendError(response, new AppError('not_found'));
  mountGet(app, '/*', refuse);
  app.any('/*', refuse);
}

/** Reached by a plain request to the address of the socket. */
function mountSocketAddress(app: TemplatedApp): void {
  mountGet(app, '/ws', (response) =>
    sendError(response, new AppError('bad_request', 'this is the address of a WebSocket')),
  );
}

type Send = (response: HttpResponse) => void;

/** A handler that awaits: what it sends goes out corked, unless the client left meanwhile. */
function answer(logger: Logger, prepare: () => Promise<Send>) {
  return async (response: HttpResponse, _request: HttpRequest) => {
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    let send: Send;
    try {
      send = await prepare();
    } catch (err) {
      logger.error({ err }, 'request failed');
      send = (failed) => sendError(failed, new AppError('internal'));
    }
    if (!aborted) response.cork(() => send(response));
  };
}
