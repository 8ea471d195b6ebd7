import { keys } from '@chat/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthServer, cookieOf, startAuth, uniqueName } from './auth-server.ts';

let auth: AuthServer;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const register = (username: unknown, password: unknown = 'password123') =>
  auth.ask('/register', { json: { username, password } });

describe('POST /register', () => {
  it('makes a user in the layout that all servers share, and logs it in', async () => {
    const name = uniqueName();
    const answer = await register(name);
    expect(answer.status).toBe(201);
    const { id, username, token } = answer.body;
    expect(username).toBe(name);
    expect(cookieOf(answer)).toBe(token);
    expect(await auth.redis.get(keys.username(name))).toBe(`user:${id}`);
    expect(await auth.redis.hgetall(keys.user(id))).toEqual({
      username: name,
      password: expect.stringMatching(/^\$2b\$04\$.{53}$/),
    });
    expect(await auth.redis.smembers(keys.userRooms(id))).toEqual(['0']);
    const me = await auth.ask('/me', { headers: { authorization: `Bearer ${token}` } });
    expect(me.body).toEqual({ id, username: name });
  });

  it('refuses a name that is taken', async () => {
    const name = uniqueName();
    await register(name);
    expect(await register(name)).toMatchObject({ status: 409, body: { code: 'name_taken' } });
  });

  it('lets one of many registrations at the same time have the name', async () => {
    const name = uniqueName();
    const answers = await Promise.all(Array.from({ length: 12 }, () => register(name)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array(11).fill(409)]);
  });

  it('keeps names apart that differ in case', async () => {
    const name = uniqueName('Joe');
    const first = await register(name);
    const second = await register(name.toLowerCase());
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.id).not.toBe(first.body.id);
  });

  it('takes emoji and right-to-left names, and stores them normalised', async () => {
    const end = uniqueName('').slice(0, 8);
    for (const name of [`🎉👩‍👩‍👧${end}`, `مرحبا${end}`, `שלום${end}`, `日本${end}`]) {
      expect(await register(name)).toMatchObject({ status: 201, body: { username: name } });
    }
    const decomposed = await register(`  Rene\u0301e${end} `);
    expect(decomposed.body.username).toBe(`Ren\u00e9e${end}`);
  });

  it.each([
    ['empty', ''],
    ['blank', '   '],
    ['of 33 characters', 'x'.repeat(33)],
    ['with a line break', 'ann\nbob'],
    ['with NUL', 'ann\0'],
    ['with a direction override', 'ann\u202egnp'],
    ['with a lone surrogate', 'ann\ud800'],
  ])('refuses a name that is %s', async (_, name) => {
    expect(await register(name)).toMatchObject({ status: 400, body: { code: 'invalid_name' } });
  });

  it('takes a name of 32 characters, however many bytes they have', async () => {
    const name = `${'😀'.repeat(20)}${uniqueName('').slice(0, 12)}`;
    expect((await register(name)).status).toBe(201);
  });

  it.each([
    ['empty', ''],
    ['7 bytes', '1234567'],
    ['73 bytes', 'x'.repeat(73)],
    ['73 bytes in 25 characters', `${'€'.repeat(24)}x`],
    ['NUL inside', 'pass\0word'],
  ])('refuses a password: %s', async (_, password) => {
    expect(await register(uniqueName(), password)).toMatchObject({
      status: 400,
      body: { code: 'invalid_password' },
    });
  });

  it('takes passwords of 8 and of 72 bytes and tells the last byte apart', async () => {
    expect((await register(uniqueName(), '12345678')).status).toBe(201);
    const name = uniqueName();
    const start = 'x'.repeat(71);
    expect((await register(name, `${start}a`)).status).toBe(201);
    const wrong = await auth.ask('/login', { json: { username: name, password: `${start}b` } });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
    expect((await auth.ask('/login', { json: { username: name, password: `${start}a` } })).status).toBe(200);
  });
});
