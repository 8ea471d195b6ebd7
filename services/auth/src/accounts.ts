import { AppError } from '@chat/kit';
import { isPassword, LIMITS, normalizeName, type User, utf8Length } from '@chat/protocol';
import type { Users } from '@chat/store';
import type { Passwords } from './passwords.ts';

interface AccountsOptions {
  users: Users;
  passwords: Passwords;
  /** A login with an unknown name registers it. */
  autoRegister: boolean;
}

interface Login {
  user: User;
  /** True when the login made the user. */
  registered: boolean;
}

/** A name longer than this (UTF-16 units) is not even looked up. */
const MAX_LOOKUP = 256;

/** Users by name and password. */
export class Accounts {
  readonly #users: Users;
  readonly #passwords: Passwords;
  readonly #autoRegister: boolean;

  constructor({ users, passwords, autoRegister }: AccountsOptions) {
    this.#users = users;
    this.#passwords = passwords;
    this.#autoRegister = autoRegister;
  }

  /** @throws AppError invalid_name, invalid_password, name_taken or busy. */
  async register(username: string, password: string): Promise<User> {
    const name = normalizeName(username);
    if (name === undefined) throw new AppError('invalid_name');
    if (!isPassword(password)) throw new AppError('invalid_password');
    // Before the costly hash; the store decides again.
    if (await this.#users.findByName(name)) throw new AppError('name_taken');
    const user = await this.#users.create(name, await this.#passwords.hash(password));
    if (user === undefined) throw new AppError('name_taken');
    return user;
  }

  /** @throws AppError invalid_name, invalid_password, invalid_credentials or busy. */
  async login(username: string, password: string): Promise<Login> {
    if (username === '' || username.length > MAX_LOOKUP) throw new AppError('invalid_name');
    if (!maybePassword(password)) throw new AppError('invalid_password');
    const user = await this.#find(username);
    if (user !== undefined) return { user: await this.#checked(user, password), registered: false };
    if (!this.#autoRegister) {
      await this.#passwords.verify(password, undefined);
      throw new AppError('invalid_credentials');
    }
    return this.#registerOrLogin(username, password);
  }

  /** Two first logins with one name at the same time: the second one finds the user that the first one made. */
  async #registerOrLogin(username: string, password: string): Promise<Login> {
    try {
      return { user: await this.register(username, password), registered: true };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'name_taken') throw error;
    }
    const user = await this.#find(username);
    if (user === undefined) throw new AppError('invalid_credentials');
    return { user: await this.#checked(user, password), registered: false };
  }

  async #checked(user: User, password: string): Promise<User> {
    const right = await this.#passwords.verify(password, await this.#users.passwordHash(user.id));
    if (!right) throw new AppError('invalid_credentials');
    return user;
  }

  /** By the name as this cluster spells it, else exactly as given: other servers normalise nothing. */
  async #find(username: string): Promise<User | undefined> {
    const name = normalizeName(username);
    const user = name === undefined ? undefined : await this.#users.findByName(name);
    if (user !== undefined || name === username) return user;
    return this.#users.findByName(username);
  }
}

/** What some server may have taken as a password: short ones are only refused for new users. */
function maybePassword(password: string): boolean {
  return password !== '' && !password.includes('\0') && utf8Length(password) <= LIMITS.passwordBytes.max;
}
