import { request } from 'node:http';
import { normalizeName } from '@chat/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AuthServer, openApi, startAuth, uniqueName } from './auth-server.ts';

let auth: AuthServer;
beforeAll(async () => {
  auth = await startAuth({ ALLOWED_ORIGINS: 'https://chat.example.org' });
});
afterAll(() => auth.stop());
// Whatever a test sent, the service goes on.
afterEach(async () => {
  const answer = await auth.ask('/login', { json: { username: uniqueName(), password: 'password123' } });
  expect(answer.status).toBe(200);
});

const JSON_TYPE = { 'content-type': 'application/json' };
const credentials = () => ({ username: uniqueName(), password: 'password123' });

describe.each(['/login', '/register'])('%s', (path) => {
  it.each([
    ['cut JSON', '{"username":"ann"'],
    ['no JSON', 'username=ann'],
    ['JSON with a trailing comma', '{"username":"ann",}'],
    ['a prototype', '{"__proto__":{"username":"ann"},"username":"ann","password":"password123"}'],
  ])('refuses %s', async (_, body) => {
    const answer = await auth.ask(path, { body, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_json' } });
  });

  it.each([
    ['no body', undefined],
    ['null', 'null'],
    ['a number', '42'],
    ['a string', '"ann"'],
    ['an array', '[]'],
    ['no password', '{"username":"ann"}'],
    ['a number as name', '{"username":1,"password":"password123"}'],
    ['an object as password', '{"username":"ann","password":{"$gt":""}}'],
    ['an array as name', '{"username":["ann"],"password":"password123"}'],
    ['null as password', '{"username":"ann","password":null}'],
  ])('refuses wrong types: %s', async (_, body) => {
    const answer = await auth.ask(path, { method: 'POST', body, headers: body ? JSON_TYPE : {} });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  it('refuses an empty password and one of 73 bytes', async () => {
    for (const password of ['', 'x'.repeat(73)]) {
      const answer = await auth.ask(path, { json: { username: uniqueName(), password } });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_password' } });
    }
  });

  it('refuses an empty name and one of 10,000 characters', async () => {
    for (const username of ['', 'x'.repeat(10_000)]) {
      const answer = await auth.ask(path, { json: { username, password: 'password123' } });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_name' } });
    }
  });

  it('refuses a body over 16 KiB, whether its length is told or not', async () => {
    const body = JSON.stringify({ ...credentials(), more: 'x'.repeat(17_000) });
    const told = await auth.ask(path, { body, headers: JSON_TYPE });
    expect(told).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
    expect(await sendChunked(path, body)).toBe(413);
  });

  it('refuses other types, charsets and compressed bodies', async () => {
    const body = JSON.stringify(credentials());
    for (const headers of [
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=utf-16' },
      { ...JSON_TYPE, 'content-encoding': 'gzip' },
    ]) {
      const answer = await auth.ask(path, { body, headers });
      expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    }
  });

  it('refuses a foreign Origin, and makes no user', async () => {
    const json = credentials();
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1.evil.example`]) {
      const answer = await auth.ask(path, { json, headers: { origin } });
      expect(answer).toMatchObject({ status: 403, body: { code: 'origin_refused' } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(await auth.redis.exists(`username:${json.username}`)).toBe(0);
  });

  it('takes its own host name on any port, and the listed origins, with credentials', async () => {
    for (const origin of ['http://127.0.0.1:8081', 'https://chat.example.org']) {
      const answer = await auth.ask(path, { json: credentials(), headers: { origin } });
      expect(answer.status).toBeLessThan(300);
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
      expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    }
  });

  it('answers a preflight of an allowed origin, and refuses a foreign one', async () => {
    const preflight = (origin: string) =>
      auth.ask(path, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    expect((await preflight('http://127.0.0.1:1')).status).toBe(204);
    expect(await preflight('https://evil.example')).toMatchObject({
      status: 403,
      body: { code: 'origin_refused' },
    });
  });
});

describe('requests that no route has', () => {
  it.each(['/', '/nothing', '/login/../../etc/passwd', '/%E0%A4%A', '/me%00'])(
    'answers 404: %s',
    async (path) => {
      expect(await auth.ask(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    },
  );

  it('answers 405 with the methods that there are', async () => {
    const answer = await auth.ask('/login');
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(answer.headers.get('allow')).toBe('POST');
    expect((await auth.ask('/me', { method: 'DELETE' })).status).toBe(405);
    expect((await auth.ask('/healthz', { method: 'POST' })).status).toBe(405);
  });
});

describe('other endpoints', () => {
  it('answers every operation of openapi.yaml', async () => {
    for (const { method, path, statuses } of openApi.operations()) {
      const { status } = await auth.ask(path, { method });
      expect(statuses, `${method} ${path}`).toContain(status);
    }
  });

  it('gives random names that are valid', async () => {
    const names = await Promise.all(Array.from({ length: 20 }, () => auth.ask('/randomname')));
    for (const { body } of names) expect(normalizeName(body.name)).toBe(body.name);
    expect(new Set(names.map(({ body }) => body.name)).size).toBeGreaterThan(15);
  });

  it('gives the configured links', async () => {
    expect((await auth.ask('/links')).body.github).toMatch(/^https:\/\/github\.com\//);
  });

  it('echoes a sane request id and replaces any other', async () => {
    const echoed = await auth.ask('/links', { headers: { 'x-request-id': 'trace-1.2:3' } });
    expect(echoed.headers.get('x-request-id')).toBe('trace-1.2:3');
    const replaced = await auth.ask('/links', { headers: { 'x-request-id': '<script>{}' } });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

/** POSTs without a Content-Length. */
function sendChunked(path: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(auth.url + path, { method: 'POST', headers: JSON_TYPE }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    for (let index = 0; index < body.length; index += 4096) sent.write(body.slice(index, index + 4096));
    sent.end();
  });
}
