import { LIMITS } from '@chat/protocol';
import bcrypt from 'bcrypt';
import type { BcryptQueue } from './bcrypt-queue.ts';

const BCRYPT_HASH = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

/** A salt and a hash of no known password, to have something to compare with. */
const NOBODY = 'N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy';

/** Hashes and checks passwords by bcrypt. */
export class Passwords {
  readonly #cost: number;
  readonly #queue: BcryptQueue;

  constructor({ cost, queue }: { cost: number; queue: BcryptQueue }) {
    this.#cost = cost;
    this.#queue = queue;
  }

  /** @param password that isPassword accepts. @throws AppError busy. */
  hash(password: string): Promise<string> {
    return this.#queue.run(() => bcrypt.hash(password, this.#cost));
  }

  /**
   * Checks a password against a hash that any server wrote, by its first 72 bytes, as bcrypt does. Without a usable hash it does the same work and says no,
   * so that the time tells nothing about which names exist.
   *
   * @throws AppError busy.
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const usable = hash !== undefined && BCRYPT_HASH.test(hash);
    // $2y$ is what PHP and Python's servers may write: the same algorithm, but a name that the library does not know.
    const compared = usable ? hash.replace(/^\$2y/, '$2b') : this.#dummy();
    // The library takes the length of a longer one modulo 256 for $2a$.
    const key = Buffer.from(password).subarray(0, LIMITS.passwordBytes.max);
    const same = await this.#queue.run(() => bcrypt.compare(key, compared));
    return usable && same;
  }

  #dummy(): string {
    return `$2b$${String(this.#cost).padStart(2, '0')}$${NOBODY}`;
  }
}
