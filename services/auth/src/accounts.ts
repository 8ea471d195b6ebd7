import { AppError } from '@chat/kit';
import { isPassword, normalizeName, type User } from '@chat/protocol';
import type { RateLimit, Users } from '@chat/store';
import type { Passwords } from './passwords.ts';

interface AccountsOptions {
  users: Users;
  passwords: Passwords;
  /** By address. */
  registrations: RateLimit;
  /** A login with an unknown name registers it. */
  autoRegister: boolean;
}

interface Login {
  user: User;
  /** True when the login made the user. */
  registered: boolean;
  /** What the password was checked against; a session that is opened while it is replaced must not stay. */
  passwordHash: string;
}

/** A name longer than this (UTF-16 units) is not even looked up. */
const MAX_LOOKUP = 256;

/**
 * The name whose password a login with this one tries; undefined when no user is looked up for it. It may be one that
 * only another server would give.
 */
export function triedName(username: string): string | undefined {
  return isLookedUp(username) ? (normalizeName(username) ?? username) : undefined;
}

/** Users by name and password. */
export class Accounts {
  readonly #users: Users;
  readonly #passwords: Passwords;
  readonly #registrations: RateLimit;
  readonly #autoRegister: boolean;

  constructor({ users, passwords, registrations, autoRegister }: AccountsOptions) {
    this.#users = users;
    this.#passwords = passwords;
    this.#registrations = registrations;
    this.#autoRegister = autoRegister;
  }

  /**
   * @param address as clientAddress gives it
   * @throws AppError invalid_name, invalid_password, name_taken, rate_limited or busy.
   */
  async register(username: string, password: string, address: string): Promise<User> {
    return (await this.#register(username, password, address)).user;
  }

  async #register(username: string, password: string, address: string): Promise<Login> {
    const name = normalizeName(username);
    if (name === undefined) throw new AppError('invalid_name');
    if (!isPassword(password)) throw new AppError('invalid_password');
    // Before the costly hash; the store decides again.
    if (await this.#users.findByName(name)) throw new AppError('name_taken');
    const retryAfterMs = await this.#registrations.take(address);
    if (retryAfterMs > 0) throw new AppError('rate_limited', undefined, { retryAfterMs });
    const passwordHash = await this.#passwords.hash(password);
    const user = await this.#users.create(name, passwordHash);
    if (user === undefined) throw new AppError('name_taken');
    return { user, registered: true, passwordHash };
  }

  /**
   * @param address as clientAddress gives it
   * @throws AppError invalid_name, invalid_password, invalid_credentials, rate_limited or busy.
   */
  async login(username: string, password: string, address: string): Promise<Login> {
    if (!isLookedUp(username)) throw new AppError('invalid_name');
    if (!maybePassword(password)) throw new AppError('invalid_password');
    const user = await this.#find(username);
    if (user !== undefined) return this.#checked(user, password);
    if (!this.#autoRegister) {
      await this.#passwords.verify(password, undefined);
      throw new AppError('invalid_credentials');
    }
    return this.#registerOrLogin(username, password, address);
  }

  /** True while a login's password is the user's; look after the session is made. */
  async holds({ user, passwordHash }: Login): Promise<boolean> {
    return (await this.#users.passwordHash(user.id)) === passwordHash;
  }

  /** @throws AppError invalid_password for the new one, invalid_credentials for the old one, or busy. */
  async changePassword(user: User, old: string, password: string): Promise<void> {
    if (!isPassword(password)) throw new AppError('invalid_password');
    if (!maybePassword(old)) throw new AppError('invalid_credentials');
    const { passwordHash } = await this.#checked(user, old);
    const hash = await this.#passwords.hash(password);
    const changed = await this.#users.changePasswordHash(user.id, passwordHash, hash);
    // Somebody changed it meanwhile: the old one is no longer right.
    if (!changed) throw new AppError('invalid_credentials');
  }

  /** Two first logins with one name at the same time: the second one finds the user that the first one made. */
  async #registerOrLogin(username: string, password: string, address: string): Promise<Login> {
    try {
      return await this.#register(username, password, address);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'name_taken') throw error;
    }
    const user = await this.#find(username);
    if (user === undefined) throw new AppError('invalid_credentials');
    return this.#checked(user, password);
  }

  async #checked(user: User, password: string): Promise<Login> {
    const passwordHash = await this.#users.passwordHash(user.id);
    const right = await this.#passwords.verify(password, passwordHash);
    if (!right || passwordHash === undefined) throw new AppError('invalid_credentials');
    return { user, registered: false, passwordHash };
  }

  /** By the name as this cluster spells it, else exactly as given: other servers normalise nothing. */
  async #find(username: string): Promise<User | undefined> {
    const name = normalizeName(username);
    const user = name === undefined ? undefined : await this.#users.findByName(name);
    if (user !== undefined || name === username) return user;
    return this.#users.findByName(username);
  }
}

function isLookedUp(username: string): boolean {
  return username !== '' && username.length <= MAX_LOOKUP;
}

/** What some server may have taken as a password: short and long ones are only refused for new users. */
function maybePassword(password: string): boolean {
  return password !== '' && !password.includes('\0');
}
