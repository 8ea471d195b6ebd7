/**
 * Which of several addresses to connect to. The first is preferred; one that fails gives way to the next. The one that
 * worked is taken again at the next reconnect, and at the one after that the first has its chance again.
 */
export class Urls {
  readonly #all: readonly string[];
  #round: string[] = [];
  #remembered: string | undefined;
  #fromMemory = false;

  /** @param all at least one. */
  constructor(all: readonly string[]) {
    this.#all = all;
    this.begin();
  }

  get current(): string {
    return this.#round[0]!;
  }

  /** True when this round has another one to fall back to. */
  get hasNext(): boolean {
    return this.#round.length > 1;
  }

  /** Starts a round of attempts. */
  begin(): void {
    const first = this.#remembered;
    this.#round = first === undefined ? [...this.#all] : [first, ...this.#all.filter((url) => url !== first)];
    this.#fromMemory = first !== undefined;
    this.#remembered = undefined;
  }

  /** Goes on to the next one of this round. */
  next(): void {
    this.#round.shift();
    this.#fromMemory = false;
  }

  worked(): void {
    this.#remembered = this.current === this.#all[0] || this.#fromMemory ? undefined : this.current;
  }
}
