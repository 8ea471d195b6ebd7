import { keys } from '@chat/store';
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthServer, cookieOf, startAuth, uniqueName } from './auth-server.ts';

let auth: AuthServer;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const login = (username: unknown, password: unknown = 'password123', server = auth) =>
  server.ask('/login', { json: { username, password } });

/** A user as a tutorial-style server in another language writes it. */
async function foreignUser(name: string, password: string, idInKey = (id: number) => `user:${id}`) {
  const id = await auth.redis.incr('total_users');
  await auth.redis.set(`username:${name}`, idInKey(id));
  await auth.redis.hset(`user:${id}`, 'username', name, 'password', password);
  await auth.redis.sadd(`user:${id}:rooms`, '0');
  return id;
}

describe('POST /login', () => {
  it('opens a session with a cookie that scripts cannot read', async () => {
    const name = uniqueName();
    await auth.ask('/register', { json: { username: name, password: 'password123' } });
    const answer = await login(name);
    expect(answer.status).toBe(200);
    expect(cookieOf(answer)).toBe(answer.body.token);
    const cookie = answer.headers.get('set-cookie')!.toLowerCase();
    expect(cookie).toContain('httponly');
    expect(cookie).toContain('samesite=lax');
    expect(cookie).toContain('path=/');
    expect(cookie).not.toContain('secure');
  });

  it('marks the cookie Secure behind a gateway that ends TLS', async () => {
    const answer = await auth.ask('/login', {
      json: { username: uniqueName(), password: 'password123' },
      headers: { 'x-forwarded-proto': 'https' },
    });
    expect(answer.headers.get('set-cookie')!.toLowerCase()).toContain('; secure');
  });

  it('gives every login its own token, and Redis only a hash of it', async () => {
    const name = uniqueName();
    const first = await login(name);
    const second = await login(name);
    expect(second.body.token).not.toBe(first.body.token);
    const sessions = await auth.redis.keys('session:*');
    expect(sessions.some((key) => key.includes(first.body.token))).toBe(false);
  });

  it('registers an unknown name, as in the tutorial', async () => {
    const name = uniqueName();
    const first = await login(name);
    const again = await login(name);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body.id).toBe(first.body.id);
  });

  it('makes one user of first logins at the same time, and lets all of them in', async () => {
    const name = uniqueName();
    const answers = await Promise.all(Array.from({ length: 10 }, () => login(name)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it('refuses an unknown name with AUTO_REGISTER=false just as a wrong password', async () => {
    const strict = await startAuth({ AUTO_REGISTER: 'false' });
    try {
      const name = uniqueName();
      const unknown = await login(name, 'password123', strict);
      expect(unknown).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
      expect(await auth.redis.exists(keys.username(name))).toBe(0);
      await login(name);
      const wrong = await login(name, 'password124', strict);
      expect(wrong.body).toEqual(unknown.body);
    } finally {
      await strict.stop();
    }
  });

  it('tells names apart by case', async () => {
    const name = uniqueName('Mary');
    await login(name);
    const strict = await startAuth({ AUTO_REGISTER: 'false' });
    try {
      expect((await login(name.toLowerCase(), 'password123', strict)).status).toBe(401);
    } finally {
      await strict.stop();
    }
  });

  it.each(['$2a$', '$2b$', '$2y$'])(
    'logs in a user whose password another server hashed as %s',
    async (start) => {
      const hash = (await bcrypt.hash('secret', 4)).replace('$2b$', start);
      const name = uniqueName('foreign');
      const id = await foreignUser(name, hash);
      expect(await login(name, 'secret')).toMatchObject({ status: 200, body: { id, username: name } });
      expect((await login(name, 'Secret')).status).toBe(401);
    },
  );

  it.each(['$2a$', '$2b$', '$2y$'])(
    'takes a password that another server cut at 72 bytes: %s',
    async (start) => {
      // 72 bytes end amid a character.
      const password = `x${'ä'.repeat(200)}`;
      const hash = await bcrypt.hash(Buffer.from(password).subarray(0, 72), 4);
      const name = uniqueName('long');
      await foreignUser(name, hash.replace('$2b$', start));
      expect((await login(name, password)).status).toBe(200);
      expect((await login(name, `y${password}`)).status).toBe(401);
      expect((await login(name, password.slice(0, 30))).status).toBe(401);
    },
  );

  it('registers nobody with a password that bcrypt would cut', async () => {
    const name = uniqueName();
    expect(await login(name, 'x'.repeat(73))).toMatchObject({
      status: 400,
      body: { code: 'invalid_password' },
    });
    expect(await auth.redis.exists(keys.username(name))).toBe(0);
  });

  it('reads a name key with a bare id, and a name that another server did not normalise', async () => {
    const hash = await bcrypt.hash('secret', 4);
    const bare = uniqueName('bare');
    const bareId = await foreignUser(bare, hash, String);
    expect((await login(bare, 'secret')).body.id).toBe(bareId);
    const decomposed = uniqueName('Rene\u0301e');
    const decomposedId = await foreignUser(decomposed, hash);
    expect((await login(decomposed, 'secret')).body.id).toBe(decomposedId);
  });

  it('refuses a user whose stored password is no bcrypt hash', async () => {
    const name = uniqueName('plain');
    await foreignUser(name, 'bcrypt_hashed_password');
    expect(await login(name, 'bcrypt_hashed_password')).toMatchObject({
      status: 401,
      body: { code: 'invalid_credentials' },
    });
  });

  it('answers busy with a time to come again when too many passwords wait, and goes on', async () => {
    const small = await startAuth({ BCRYPT_CONCURRENCY: '1', BCRYPT_QUEUE: '1', BCRYPT_COST: '9' });
    try {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => login(uniqueName(), 'password123', small)),
      );
      const busy = answers.filter(({ status }) => status === 503);
      expect(busy.length).toBeGreaterThan(0);
      expect(busy.length).toBeLessThan(12);
      for (const { body, headers } of busy) {
        expect(body.code).toBe('busy');
        expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      }
      expect((await login(uniqueName(), 'password123', small)).status).toBe(200);
      const metrics = (await small.ask('/metrics')).body;
      expect(metrics).toContain(`auth_logins_total{outcome="busy",service="auth"} ${busy.length}`);
      expect(metrics).toMatch(/auth_bcrypt_duration_seconds_count\{service="auth"\} [1-9]/);
      expect(metrics).toContain('auth_bcrypt_queue_length{service="auth"} 0');
    } finally {
      await small.stop();
    }
  });
});
