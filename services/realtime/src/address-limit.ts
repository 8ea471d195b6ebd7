import { TokenBucket, type Tokens } from './token-bucket.ts';

/** Addresses remembered at most; an attacker with more of them makes the oldest forgotten. */
const MAX_ADDRESSES = 10_000;
/** How often it is looked which of them need not be remembered any more, in milliseconds. */
const SWEEP_MS = 1000;

/** Limits how often one address may try to connect to this replica. */
export class AddressLimit {
  readonly #bucket: TokenBucket;
  readonly #addresses = new Map<string, Tokens>();
  #sweptAt = 0;

  /** @param rate tries a second; 0 lifts the limit */
  constructor(rate: number, burst: number) {
    this.#bucket = new TokenBucket(rate, burst);
  }

  get size(): number {
    return this.#addresses.size;
  }

  /** @returns 0 when the address may go on, else the milliseconds until it may. */
  take(address: string, now: number): number {
    let tokens = this.#addresses.get(address);
    if (!tokens) {
      if (this.#addresses.size >= MAX_ADDRESSES) this.#makeRoom(now);
      tokens = { tokens: 0, tokensAt: 0 };
      this.#addresses.set(address, tokens);
    }
    return this.#bucket.take(tokens, now);
  }

  #makeRoom(now: number): void {
    if (now - this.#sweptAt >= SWEEP_MS) {
      this.#sweptAt = now;
      for (const [address, tokens] of this.#addresses) {
        if (this.#bucket.isFull(tokens, now)) this.#addresses.delete(address);
      }
    }
    for (const oldest of this.#addresses.keys()) {
      if (this.#addresses.size < MAX_ADDRESSES) break;
      this.#addresses.delete(oldest);
    }
  }
}
