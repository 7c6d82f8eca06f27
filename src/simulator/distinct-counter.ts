const indexBits = 11;
const registers = 1 << indexBits;

/**
 * Estimates how many different things it was told of, in 2 kB. Source: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog" (2007), with
 * linear counting below 2.5 per register. Standard error 2.3 %.
 */
export class DistinctCounter {
  readonly #ranks = new Uint8Array(registers);

  /** Two hashes of the thing, 32 bits each. */
  add(first: number, second: number): void {
    const index = first >>> (32 - indexBits);
    const rank = Math.clz32(second) + 1;
    if (rank > this.#ranks[index]!) this.#ranks[index] = rank;
  }

  get estimate(): number {
    let sum = 0;
    let empty = 0;
    for (const rank of this.#ranks) {
      sum += 2 ** -rank;
      if (rank === 0) empty++;
    }
    const raw = ((0.7213 / (1 + 1.079 / registers)) * registers ** 2) / sum;
    return Math.round(raw <= 2.5 * registers && empty > 0 ? registers * Math.log(registers / empty) : raw);
  }
}
