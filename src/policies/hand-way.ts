/** Entries that a hand passes at most for one newcomer. */
export const longestWay = 16_384;
/** What it may pass at least for each victim, even if several have to go for one newcomer. */
export const shortestWay = 8;

/**
 * How far a hand may still go for this newcomer. A hand that looks for an unused entry may have to pass very many used
 * ones, which would hold up everybody; when it has come to the end of its way, the entry that it has got to goes all the
 * same. Among so many used ones the order of arrival is all there is to tell them apart.
 */
export class HandWay {
  readonly #longest: number;
  #left: number;

  /** Shorter than `longestWay` where passing an entry costs more than a bit. */
  constructor(longest: number = longestWay) {
    this.#longest = longest;
    this.#left = longest;
  }

  /** A newcomer is to come: the whole way is free again. */
  renew(): void {
    this.#left = this.#longest;
  }

  /** How many entries may be passed for the next victim. */
  begin(): number {
    return this.#left > shortestWay ? this.#left : shortestWay;
  }

  /** What is left of that. */
  end(left: number): void {
    this.#left = left;
  }
}
