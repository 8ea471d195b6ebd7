import { request } from 'node:http';
import type { User } from '@chat/protocol';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { RawHttp } from '../../../../test/harness/raw-http.ts';
import { AppError } from '../errors.ts';
import { Readiness } from '../health.ts';
import { createLogger } from '../logger.ts';
import { createMetrics } from '../metrics.ts';
import { readInput } from './json-body.ts';
import { createKoa, createRouter, mount } from './koa.ts';
import { requireSession } from './require-session.ts';
import { type Served, serve } from './serve.ts';

const TOKEN = 't'.repeat(43);
const USER: User = { id: 1, username: 'Ann' };
const lines: Record<string, unknown>[] = [];
const readiness = new Readiness();
let server: Served;

beforeAll(async () => {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ name: 'test', level: 'debug', destination });
  const metrics = createMetrics({ service: 'test', serverId: 'host-1' });
  const config = { ALLOWED_ORIGINS: [], TRUST_PROXY: true };
  const app = createKoa({ logger, metrics, readiness, config });
  mount(app, routes());
  server = await serve(app, { host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

function routes() {
  const sessions = {
    find: async (token: string) => (token === TOKEN ? { hash: 'h', user: USER } : undefined),
  };
  const router = createRouter();
  return router
    .get('/items/:id', (ctx) => {
      ctx.body = { id: ctx.params.id, ip: ctx.ip, secure: ctx.secure };
    })
    .post('/items', (ctx) => {
      ctx.body = readInput(z.object({ size: z.number('expected a number') }), ctx.request.body);
    })
    .get('/me', requireSession(sessions), (ctx) => {
      ctx.body = { user: ctx.state.user, session: ctx.state.session };
    })
    .get('/bug', () => {
      throw new Error('secret detail');
    })
    .get('/busy', () => {
      throw new AppError('busy', undefined, { retryAfterMs: 1200 });
    })
    .get('/away', () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    })
    .get('/empty', (ctx) => {
      ctx.status = 204;
    });
}

const ask = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(server.url + path, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text && text[0] === '{' ? JSON.parse(text) : text,
  };
};

describe('createKoa', () => {
  it('gives each request an id, in the answer and in every log line', async () => {
    const { headers } = await ask('/items/7');
    const requestId = headers.get('x-request-id');
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(lines.findLast((line) => line.requestId === requestId)).toMatchObject({
      msg: 'request',
      method: 'GET',
      path: '/items/7',
      status: 200,
      ms: expect.any(Number),
    });
  });

  it('logs no query, and probes only at level debug', async () => {
    await ask('/items/8?secret=1');
    await ask('/healthz');
    expect(JSON.stringify(lines)).not.toContain('secret=1');
    expect(lines.findLast(({ path }) => path === '/healthz')!.level).toBe(20);
  });

  it('tells nothing of a bug, but logs it with its stack', async () => {
    const { status, body, headers } = await ask('/bug');
    expect({ status, body }).toEqual({
      status: 500,
      body: { code: 'internal', message: 'something went wrong on the server' },
    });
    const line = lines.find(
      ({ requestId, msg }) => requestId === headers.get('x-request-id') && msg !== 'request',
    );
    expect(line).toMatchObject({
      level: 50,
      err: { message: 'secret detail', stack: expect.stringContaining('koa') },
    });
  });

  it('answers 503 with Retry-After in whole seconds when it is busy or Redis is away', async () => {
    const busy = await ask('/busy');
    expect(busy).toMatchObject({ status: 503, body: { code: 'busy', retryAfterMs: 1200 } });
    expect(busy.headers.get('retry-after')).toBe('2');
    const away = await ask('/away');
    expect(away).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(away.headers.get('retry-after')).toBe('1');
  });

  it('puts security headers on every answer, errors too', async () => {
    for (const path of ['/items/1', '/nothing', '/bug', '/healthz']) {
      const { headers } = await ask(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('vary')).toContain('Origin');
    }
  });

  it.each(['GET', 'HEAD'])('takes no notice of the body of a %s', async (method) => {
    const connection = await RawHttp.connect(server.url);
    onTestFinished(() => connection.close());
    connection.send(`${method} /items/1 HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n\r\nnot JSON`);
    expect(await connection.read(method === 'HEAD')).toMatchObject({ status: 200 });
  });

  it.each(['/items/7/', '/ITEMS/7', '//items/7'])('knows no other spelling of a path: %s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it('answers 204 without a body, and HEAD as GET', async () => {
    expect(await ask('/empty')).toMatchObject({ status: 204, body: '' });
    expect(await ask('/items/1', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('names the first field that is wrong', async () => {
    const post = (body: string) =>
      ask('/items', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect((await post('{"size":3,"more":true}')).body).toEqual({ size: 3 });
    expect((await post('{"size":"3"}')).body).toEqual({
      code: 'bad_request',
      message: 'size: expected a number',
    });
    expect((await post('[]')).body).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(/^body: /),
    });
  });

  it('counts the time of requests by route, not by path', async () => {
    await ask('/items/1');
    await ask('/items/2');
    await ask('/no/such/path');
    const { body, headers } = await ask('/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain/);
    expect(body).toMatch(
      /http_request_duration_seconds_count\{service="test",method="GET",route="\/items\/:id",status="200"\} \d/,
    );
    expect(body).toContain('route="none",status="404"');
    expect(body).not.toContain('/items/1');
    expect(body).toContain('process_cpu_user_seconds_total{service="test"}');
    expect(body).toMatch(/chat_server_info\{server_id="host-1",node_version="v[\d.]+",service="test"\} 1/);
  });

  it('says on /readyz what it waits for', async () => {
    readiness.set('redis', false);
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      body: { ready: false, conditions: { redis: false } },
    });
    readiness.set('redis', true);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('believes the gateway about address and TLS, and only its own entry', async () => {
    const headers = { 'x-forwarded-for': '1.1.1.1, 203.0.113.7', 'x-forwarded-proto': 'https' };
    expect((await ask('/items/1', { headers })).body).toMatchObject({ ip: '203.0.113.7', secure: true });
  });

  it('lets only a session through requireSession', async () => {
    const { body } = await ask('/me', { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(body).toEqual({ user: USER, session: { hash: 'h', user: USER } });
    expect((await ask('/me', { headers: { cookie: `sid=${TOKEN}` } })).status).toBe(200);
    for (const headers of [{}, { authorization: `Bearer ${'x'.repeat(43)}` }, { cookie: 'sid=x' }]) {
      expect(await ask('/me', { headers: headers as Record<string, string> })).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
    }
  });

  it('outlives a client that goes away in the middle of its body', async () => {
    const cut = request(`${server.url}/items`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': '1000' },
    });
    cut.on('error', () => undefined);
    cut.write('{"size"');
    await new Promise((resolve) => setTimeout(resolve, 50));
    cut.destroy();
    expect((await ask('/healthz')).status).toBe(200);
  });
});
