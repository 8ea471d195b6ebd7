import { keys } from '@chat/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiRequest } from '../../../test/harness/openapi.ts';
import { type AuthServer, cookieOf, startAuth, uniqueName } from './auth-server.ts';

const ADMIN_TOKEN = 'a-token-of-at-least-32-characters';
let auth: AuthServer;
beforeAll(async () => {
  auth = await startAuth({ ADMIN_TOKEN });
});
afterAll(() => auth.stop());

interface LoggedIn {
  id: number;
  username: string;
  token: string;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const login = async (username = uniqueName(), password = 'password123') =>
  (await auth.ask('/login', { json: { username, password } })).body as LoggedIn;
const change = (token: string, old: unknown, next: unknown, request: ApiRequest = {}) =>
  auth.ask('/password', { json: { old, new: next }, headers: bearer(token), ...request });
const me = async ({ token }: LoggedIn) => (await auth.ask('/me', { headers: bearer(token) })).status;

describe('POST /password', () => {
  it('replaces the password, keeps this session and ends all others of the user', async () => {
    const first = await login();
    const [second, other] = [await login(first.username), await login()];
    const answer = await change(first.token, 'password123', 'password456');
    expect(answer).toMatchObject({ status: 200, body: { sessions: 1, closed: 0 } });
    expect([await me(first), await me(second), await me(other)]).toEqual([200, 401, 200]);
    const attempt = (password: string) =>
      auth.ask('/login', { json: { username: first.username, password } });
    expect((await attempt('password123')).status).toBe(401);
    expect((await attempt('password456')).status).toBe(200);
  });

  it.each([
    ['a wrong old password', 'password-x', 'password456', 401, 'invalid_credentials'],
    ['an old one that cannot be one', '', 'password456', 401, 'invalid_credentials'],
    ['a new one that is too short', 'password123', 'short', 400, 'invalid_password'],
    ['a new one that bcrypt would cut', 'password123', 'x'.repeat(73), 400, 'invalid_password'],
    ['what is no text', 'password123', 7, 400, 'bad_request'],
  ])('refuses %s and changes nothing', async (_, old, next, status, code) => {
    const user = await login();
    const second = await login(user.username);
    expect(await change(user.token, old, next)).toMatchObject({ status, body: { code } });
    expect([await me(user), await me(second)]).toEqual([200, 200]);
    expect((await auth.ask('/login', { json: { ...user, password: 'password123' } })).status).toBe(200);
  });

  it('needs a session', async () => {
    expect(await change('x'.repeat(43), 'password123', 'password456')).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
  });

  it('counts wrong old passwords as failed logins', async () => {
    const limited = await startAuth({ LOGIN_ATTEMPTS_PER_NAME: '3' });
    try {
      const user = await login();
      const guess = () =>
        limited.ask('/password', {
          json: { old: 'wrong-one', new: 'password456' },
          headers: bearer(user.token),
        });
      for (let attempt = 0; attempt < 3; attempt++) expect((await guess()).status).toBe(401);
      expect(await guess()).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    } finally {
      await limited.stop();
    }
  });

  it('lets one of several at the same time through', async () => {
    const user = await login();
    const changes = ['a', 'b', 'c'].map((letter) => change(user.token, 'password123', letter.repeat(8)));
    const statuses = (await Promise.all(changes)).map(({ status }) => status);
    expect(statuses.sort((a, b) => a - b)).toEqual([200, 401, 401]);
  });

  it('leaves no session to a login under way with the old password', async () => {
    // Whether it comes before, in the midst of it or after, depends on the moment: all are tried.
    for (let round = 0; round < 10; round++) {
      const user = await login();
      const logins = Array.from({ length: 6 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index));
        return auth.ask('/login', { json: { username: user.username, password: 'password123' } });
      });
      const [changed, ...answers] = await Promise.all([
        change(user.token, 'password123', 'password456'),
        ...logins,
      ]);
      expect(changed.status).toBe(200);
      const tokens = answers.filter(({ status }) => status === 200).map(({ body }) => body as LoggedIn);
      expect(await Promise.all(tokens.map(me))).toEqual(tokens.map(() => 401));
    }
  });
});

describe('DELETE /sessions', () => {
  const end = (query: string, headers: Record<string, string>) =>
    auth.ask(`/sessions${query}`, { method: 'DELETE', headers });

  it('ends all sessions of the user and clears the cookie', async () => {
    const first = await login();
    const [second, other] = [await login(first.username), await login()];
    const answer = await end('', { cookie: `sid=${first.token}` });
    expect(answer).toMatchObject({ status: 200, body: { sessions: 2, closed: 0 } });
    expect(cookieOf(answer)).toBe('');
    expect([await me(first), await me(second), await me(other)]).toEqual([401, 401, 200]);
    expect(await auth.redis.exists(keys.userSessions(first.id))).toBe(0);
  });

  it('ends the others alone when asked to', async () => {
    const first = await login();
    const second = await login(first.username);
    const answer = await end('?others=true', { cookie: `sid=${first.token}` });
    expect(answer).toMatchObject({ status: 200, body: { sessions: 1 } });
    expect(cookieOf(answer)).toBeUndefined();
    expect([await me(first), await me(second)]).toEqual([200, 401]);
  });

  it('needs a session, and knows what it is asked', async () => {
    expect((await end('', {})).status).toBe(401);
    const { token } = await login();
    expect(await end('?others=perhaps', bearer(token))).toMatchObject({
      status: 400,
      body: { code: 'bad_request' },
    });
  });
});

describe('POST /admin/revoke', () => {
  const revoke = (token: string, json: unknown, server = auth) =>
    server.ask('/admin/revoke', { json, headers: bearer(token) });

  it('ends all sessions of a user, who may log in again', async () => {
    const first = await login();
    const second = await login(first.username);
    expect(await revoke(ADMIN_TOKEN, { userId: first.id })).toMatchObject({
      status: 200,
      body: { sessions: 2, closed: 0 },
    });
    expect([await me(first), await me(second)]).toEqual([401, 401]);
    expect((await login(first.username)).id).toBe(first.id);
  });

  it.each([
    ['a wrong token', 'x'.repeat(33), { userId: 1 }, 401, 'unauthenticated'],
    ['a user that is not there', ADMIN_TOKEN, { userId: 999_999_999_999 }, 404, 'user_not_found'],
    ['what is no user id', ADMIN_TOKEN, { userId: '../x' }, 400, 'bad_request'],
    ['nothing', ADMIN_TOKEN, {}, 400, 'bad_request'],
  ])('refuses %s', async (_, token, json, status, code) => {
    expect(await revoke(token, json)).toMatchObject({ status, body: { code } });
  });

  it('takes no session of a user for the token', async () => {
    const user = await login();
    expect(await revoke(user.token, { userId: user.id })).toMatchObject({ status: 401 });
    expect(await me(user)).toBe(200);
  });

  it('is not there without a token in the settings, nor guessed at without end', async () => {
    const without = await startAuth();
    const limited = await startAuth({ ADMIN_TOKEN, LOGIN_ATTEMPTS_PER_ADDRESS: '3' });
    try {
      expect(await revoke(ADMIN_TOKEN, { userId: 1 }, without)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
      const guess = () =>
        limited.ask('/admin/revoke', {
          json: { userId: 1 },
          headers: { ...bearer('x'.repeat(32)), 'x-forwarded-for': '10.99.1.1' },
        });
      for (let attempt = 0; attempt < 3; attempt++) expect((await guess()).status).toBe(401);
      expect((await guess()).status).toBe(429);
    } finally {
      await Promise.all([without.stop(), limited.stop()]);
    }
  });
});
