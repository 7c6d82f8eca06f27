/** How many entries are inside a policy, or inside one of its queues, and what they weigh together. */
export class ResidentWeight {
  size = 0;
  weight = 0;
  readonly #weightOf: ((slot: number) => number) | undefined;

  constructor(weightOf: ((slot: number) => number) | undefined) {
    this.#weightOf = weightOf;
  }

  add(slot: number): void {
    this.size++;
    this.weight += this.of(slot);
  }

  subtract(slot: number): void {
    this.size--;
    this.weight -= this.of(slot);
  }

  /** How many entries like those inside a capacity holds; 0 while that is not known. */
  fitting(capacity: number): number {
    if (this.#weightOf === undefined) return capacity;
    return this.size === 0 ? 0 : (capacity / this.weight) * this.size;
  }

  /** The weight of one slot. */
  of(slot: number): number {
    return this.#weightOf === undefined ? 1 : this.#weightOf(slot);
  }
}
