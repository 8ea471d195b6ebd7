/** A set of the numbers 1, 2, 3 …, which mostly come in order: memory only for those that came early. */
export class SequenceSet {
  /** All up to here are in. */
  #complete = 0;
  readonly #early = new Set<number>();

  /** False when it was in already. */
  add(value: number): boolean {
    if (this.has(value)) return false;
    if (value !== this.#complete + 1) {
      this.#early.add(value);
      return true;
    }
    this.#complete = value;
    while (this.#early.delete(this.#complete + 1)) this.#complete++;
    return true;
  }

  has(value: number): boolean {
    return value <= this.#complete || this.#early.has(value);
  }

  /** How many of 1 to `last` are not in, those of `except` not counted. */
  missing(last: number, except: readonly number[] = []): number {
    let count = last - Math.min(last, this.#complete);
    for (const value of this.#early) if (value <= last) count--;
    for (const value of except) if (value <= last && !this.has(value)) count--;
    return count;
  }
}
