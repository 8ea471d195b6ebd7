import { randomInt } from 'node:crypto';
import { keys } from '@chat/store';
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../../../test/harness/openapi.ts';
import { type AuthServer, startAuth, uniqueName } from './auth-server.ts';

const limits = { LOGIN_ATTEMPTS_PER_NAME: '5', LOGIN_ATTEMPTS_PER_ADDRESS: '10' };
let auth: AuthServer;
beforeAll(async () => {
  auth = await startAuth(limits);
});
afterAll(() => auth.stop());

/** An address that no other test has. */
const uniqueAddress = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;

const login = (username: string, password: string, address: string, server = auth) =>
  server.ask('/login', { json: { username, password }, headers: { 'x-forwarded-for': address } });

/** A user as a server that has no rules for names writes it. */
async function foreignUser(name: string, passwordHash: string): Promise<void> {
  const id = await auth.redis.incr(keys.totalUsers);
  await auth.redis.set(keys.username(name), keys.user(id));
  await auth.redis.hset(keys.user(id), 'username', name, 'password', passwordHash);
  await auth.redis.sadd(keys.userRooms(id), '0');
}

function expectLimited({ status, body, headers }: Answer, withinMs = 300_000) {
  expect({ status, code: body.code }).toEqual({ status: 429, code: 'rate_limited' });
  expect(body.retryAfterMs).toBeGreaterThan(0);
  expect(body.retryAfterMs).toBeLessThanOrEqual(withinMs);
  expect(Number(headers.get('retry-after'))).toBe(Math.ceil(body.retryAfterMs / 1000));
}

describe('login limits', () => {
  it('stop guessing at one name, from whatever address, even with the right password', async () => {
    const name = uniqueName();
    await login(name, 'password123', uniqueAddress());
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await login(name, `password-${attempt}`, uniqueAddress())).status).toBe(401);
    }
    expectLimited(await login(name, 'password-5', uniqueAddress()));
    expectLimited(await login(name, 'password123', uniqueAddress()));
  });

  it.each([
    ['longer than ours', () => uniqueName('x'.repeat(100))],
    ['with a control character', () => uniqueName('bell\u0007')],
  ])('stop guessing at a name that another server gave: %s', async (_, newName) => {
    const name = newName();
    await foreignUser(name, await bcrypt.hash('password123', 4));
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await login(name, `password-${attempt}`, uniqueAddress())).status).toBe(401);
    }
    expectLimited(await login(name, 'password123', uniqueAddress()));
  });

  it('start anew after a success for a name that another server gave', async () => {
    const name = uniqueName('x'.repeat(100));
    await foreignUser(name, await bcrypt.hash('password123', 4));
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await login(name, 'password123', uniqueAddress())).status).toBe(200);
    }
  });

  it('keep no key for a name that is not even looked up', async () => {
    const name = uniqueName('x'.repeat(300));
    for (let attempt = 0; attempt < 7; attempt++) {
      expect((await login(name, 'password123', uniqueAddress())).status).toBe(400);
    }
    expect(await auth.redis.keys(`${keys.loginAttempts}:name:${name}*`)).toEqual([]);
  });

  it('count attempts at the same time', async () => {
    const name = uniqueName();
    await login(name, 'password123', uniqueAddress());
    const guesses = Array.from({ length: 20 }, (_, i) => login(name, `password-${i}`, uniqueAddress()));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(15).fill(429)]);
  });

  it('start anew for a name after a success', async () => {
    const name = uniqueName();
    await login(name, 'password123', uniqueAddress());
    for (let round = 0; round < 3; round++) {
      for (let attempt = 0; attempt < 4; attempt++) {
        expect((await login(name, 'wrong-password', uniqueAddress())).status).toBe(401);
      }
      expect((await login(name, 'password123', uniqueAddress())).status).toBe(200);
    }
  });

  it('stop guessing from one address at many names, but not other addresses', async () => {
    const address = uniqueAddress();
    const names = Array.from({ length: 11 }, () => uniqueName());
    for (const name of names) await login(name, 'password123', uniqueAddress());
    for (const name of names.slice(0, 10)) {
      expect((await login(name, 'wrong-password', address)).status).toBe(401);
    }
    expectLimited(await login(names[10]!, 'password123', address));
    expect((await login(names[10]!, 'password123', uniqueAddress())).status).toBe(200);
  });

  it('do not count successes against an address that many people share', async () => {
    const address = uniqueAddress();
    for (let user = 0; user < 15; user++) {
      expect((await login(uniqueName(), 'password123', address)).status).toBe(200);
    }
  });

  it('count what the gateway saw, not what the client claims to be', async () => {
    const address = uniqueAddress();
    const name = uniqueName();
    for (let attempt = 0; attempt < 10; attempt++) {
      await login(`${name}${attempt}`, 'short', `${uniqueAddress()}, ${address}`);
    }
    expectLimited(await login(name, 'password123', `${uniqueAddress()}, ${address}`));
  });

  it('limit registrations that fail from one address', async () => {
    const headers = { 'x-forwarded-for': uniqueAddress() };
    const json = { username: uniqueName(), password: 'password123' };
    await auth.ask('/register', { json, headers });
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await auth.ask('/register', { json, headers })).status).toBe(409);
    }
    expectLimited(await auth.ask('/register', { json, headers }));
  });

  it('limit the users that one address registers, by whatever way', async () => {
    const few = await startAuth({ REGISTRATIONS_PER_ADDRESS: '2' });
    try {
      const headers = { 'x-forwarded-for': uniqueAddress() };
      const ask = (path: string, username = uniqueName()) =>
        few.ask(path, { json: { username, password: 'password123' }, headers });
      const first = uniqueName();
      expect((await ask('/login', first)).status).toBe(200);
      expect((await ask('/register')).status).toBe(201);
      expectLimited(await ask('/register'), 3_600_000);
      expectLimited(await ask('/login'), 3_600_000);
      // Whoever is registered logs in all the same.
      expect((await ask('/login', first)).status).toBe(200);
      expect((await login(uniqueName(), 'password123', uniqueAddress(), few)).status).toBe(200);
    } finally {
      await few.stop();
    }
  });

  it('are lifted by LIMITS=off', async () => {
    const unlimited = await startAuth({ ...limits, LIMITS: 'off' });
    try {
      const name = uniqueName();
      const address = uniqueAddress();
      await login(name, 'password123', address, unlimited);
      for (let attempt = 0; attempt < 15; attempt++) {
        expect((await login(name, 'wrong-password', address, unlimited)).status).toBe(401);
      }
    } finally {
      await unlimited.stop();
    }
  });
});
