import { randomBytes } from 'node:crypto';
import { CLUSTER_CHANNEL, parseEnvelope } from '@chat/protocol';
import { hashToken, keys } from '@chat/store';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type AuthServer, cookieOf, startAuth, uniqueName } from './auth-server.ts';

let auth: AuthServer;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const login = async () => {
  const { body } = await auth.ask('/login', { json: { username: uniqueName(), password: 'password123' } });
  return body as { id: number; username: string; token: string };
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookie = (token: string) => ({ cookie: `theme=dark; sid=${token}` });

describe('GET /me', () => {
  it('knows the user by cookie and by Bearer token', async () => {
    const { id, username, token } = await login();
    for (const headers of [bearer(token), cookie(token)]) {
      expect(await auth.ask('/me', { headers })).toMatchObject({ status: 200, body: { id, username } });
    }
  });

  it('renews the cookie, but gives a Bearer client none', async () => {
    const { token } = await login();
    expect(cookieOf(await auth.ask('/me', { headers: cookie(token) }))).toBe(token);
    expect(cookieOf(await auth.ask('/me', { headers: bearer(token) }))).toBeUndefined();
  });

  it.each([
    ['no session', {}],
    ['a forged token', bearer(randomBytes(32).toString('base64url'))],
    ['a token of the wrong form', bearer('../../x')],
    ['a hash in place of its token', bearer(hashToken('x'))],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['an empty cookie', { cookie: 'sid=' }],
    ['garbage', { cookie: ';;=;sid;%%%=1' }],
  ])('refuses %s', async (_, headers: Record<string, string>) => {
    const answer = await auth.ask('/me', { headers });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('refuses an expired session', async () => {
    const { token } = await login();
    const key = keys.session(hashToken(token));
    await auth.redis.pexpire(key, 1);
    // Asked in its last millisecond, it would be used and so prolonged.
    await vi.waitFor(async () => expect(await auth.redis.exists(key)).toBe(0), { timeout: 15_000 });
    expect((await auth.ask('/me', { headers: bearer(token) })).status).toBe(401);
  });
});

describe('the limit of sessions', () => {
  it('ends the session of a user that was not used for longest', async () => {
    const few = await startAuth({ SESSIONS_PER_USER: '2' });
    const unlimited = await startAuth({ SESSIONS_PER_USER: '2', LIMITS: 'off' });
    try {
      const json = { username: uniqueName(), password: 'password123' };
      const tokens: string[] = [];
      const states = async () =>
        (await Promise.all(tokens.map((token) => auth.ask('/me', { headers: bearer(token) })))).map(
          ({ status }) => status,
        );
      for (const server of [few, few, unlimited])
        tokens.push((await server.ask('/login', { json })).body.token);
      expect(await states()).toEqual([200, 200, 200]);
      tokens.push((await few.ask('/login', { json })).body.token);
      expect(await states()).toEqual([401, 401, 200, 200]);
    } finally {
      await Promise.all([few.stop(), unlimited.stop()]);
    }
  });
});

describe('POST /logout', () => {
  const logout = (headers: Record<string, string>) => auth.ask('/logout', { method: 'POST', headers });

  it('ends the session, clears the cookie and tells every server', async () => {
    const { token } = await login();
    const heard: string[] = [];
    const subscriber = new Redis(inject('redisUrl'));
    try {
      await subscriber.subscribe(CLUSTER_CHANNEL);
      subscriber.on('message', (_, text) => heard.push(text));
      const answer = await logout(cookie(token));
      expect(answer).toMatchObject({ status: 200, body: { sessions: 1, closed: 0 } });
      expect(cookieOf(answer)).toBe('');
      expect((await auth.ask('/me', { headers: bearer(token) })).status).toBe(401);
      await vi.waitFor(
        () => {
          expect(heard.map(parseEnvelope)).toContainEqual({
            serverId: auth.serverId,
            type: 'session.revoked',
            data: { session: hashToken(token), request: expect.any(String) },
          });
        },
        { timeout: 15_000 },
      );
    } finally {
      subscriber.disconnect();
    }
  });

  it('leaves other sessions of the user alone', async () => {
    const { username, token } = await login();
    const second = await auth.ask('/login', { json: { username, password: 'password123' } });
    await logout(bearer(token));
    expect((await auth.ask('/me', { headers: bearer(second.body.token) })).status).toBe(200);
  });

  it('answers the same without a session, and twice', async () => {
    const { token } = await login();
    const nothing = { sessions: 0, closed: 0, unanswered: 0 };
    for (const headers of [{}, cookie('forged'), cookie(token), cookie(token)]) {
      const { status, body } = await logout(headers);
      expect(status).toBe(200);
      expect(body).toMatchObject(body.sessions === 1 ? { closed: 0 } : nothing);
    }
  });
});
