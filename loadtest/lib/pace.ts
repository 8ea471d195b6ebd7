/** When something that happens at a rate, which changes by a curve, is due. */
export class Pace {
  readonly #rates: number[];
  readonly #partSeconds: number;

  /**
   * @param rate times a second at factor 1
   * @param curve factors of the rate; each holds for an equal part of the time
   */
  constructor({ rate, curve, holdSeconds }: { rate: number; curve: readonly number[]; holdSeconds: number }) {
    this.#partSeconds = holdSeconds / curve.length;
    this.#rates = curve.map((factor) => rate * factor);
  }

  /** Seconds until it has happened `count` times (any number above 0); undefined when that is never. */
  secondsUntil(count: number): number | undefined {
    let rest = count;
    for (const [part, rate] of this.#rates.entries()) {
      const inPart = rate * this.#partSeconds;
      if (rest <= inPart) return part * this.#partSeconds + rest / rate;
      rest -= inPart;
    }
    return undefined;
  }
}
