/** Pseudo-random numbers from 32 bits: xorshift with the shifts 13, 17, 5 (Marsaglia, "Xorshift RNGs", 2003, section 3). */
export class Chance {
  #state: number;

  /** The same seed, the same numbers. */
  constructor(seed: number) {
    // The state must not be 0, which would stay 0.
    this.#state = Math.imul(seed, 0x9e3779b1) | 0 || 1;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor(((state >>> 0) / 0x1_0000_0000) * count);
  }
}
