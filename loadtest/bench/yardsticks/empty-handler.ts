import { readFileSync } from 'node:fs';
import { createKoa, createLogger, createMetrics, mount, Readiness, serve } from '@chat/kit';
import Router from '@koa/router';
import Koa from 'koa';

// What a page of history is measured by, as a process: `bare` Koa, or Koa with what all services `share` (request id,
// log line, metrics, headers, router), around a handler that serves the bytes of a file.
const [kind, port, file] = process.argv.slice(2);
const bytes = readFileSync(file!);
const answer = (ctx: Pick<Koa.Context, 'set' | 'body'>) => {
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.body = bytes;
};
const app = kind === 'bare' ? new Koa().use(answer) : shared();
await serve(app as ReturnType<typeof createKoa>, { host: '127.0.0.1', port: Number(port) });

function shared() {
  const app = createKoa({
    logger: createLogger({ name: 'empty', level: 'info' }),
    metrics: createMetrics({ service: 'empty' }),
    readiness: new Readiness(),
    config: { ALLOWED_ORIGINS: [], TRUST_PROXY: false },
  });
  mount(app, new Router<Koa.DefaultState>().get('/room/*id/messages', answer) as never);
  return app;
}
