import { randomBytes } from 'node:crypto';
import type { User } from '@chat/protocol';
import { keys, Sessions, Users } from '@chat/store';
import type { Redis } from 'ioredis';

export interface Account extends User {
  token: string;
  /** SHA-256 of the token. */
  session: string;
}

/** A user of a name that no other test has, signed in, without the cost of a password's hash. */
export async function createAccount(
  redis: Redis,
  name = `u-${randomBytes(8).toString('hex')}`,
): Promise<Account> {
  const user = await new Users(redis).create(name, '*');
  if (!user) throw new Error(`the name ${name} is taken`);
  const { token, hash } = await new Sessions(redis, { ttlSeconds: 3600, serverId: 'test' }).create(user);
  return { ...user, token, session: hash };
}

/** Signs a user in once more. */
export async function createSession(redis: Redis, user: User): Promise<string> {
  return (await new Sessions(redis, { ttlSeconds: 3600, serverId: 'test' }).create(user)).token;
}

/** Removes what {@link createAccount} made. */
export async function removeAccounts(redis: Redis, accounts: readonly Account[]): Promise<void> {
  for (const { id, username, session } of accounts) {
    await redis.del(keys.user(id), keys.username(username), keys.userRooms(id), keys.userSessions(id));
    await redis.del(keys.session(session));
  }
}
