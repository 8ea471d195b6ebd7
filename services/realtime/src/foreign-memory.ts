import { createHash } from 'node:crypto';

/** Foreign messages remembered per room: more than one reading brings. */
const MOST = 1000;

/** Knows foreign messages again, whose dates tell nothing: they come by the channel and from the room. */
export class ForeignMemory {
  readonly #hashes = new Set<string>();

  /** False when the message was known already. */
  add(identity: string): boolean {
    const hash = createHash('sha1').update(identity).digest('base64');
    if (this.#hashes.has(hash)) return false;
    this.#hashes.add(hash);
    if (this.#hashes.size > MOST) this.#hashes.delete(this.#hashes.values().next().value!);
    return true;
  }
}
