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

  /** The weight of one slot. */
  of(slot: number): number {
    return this.#weightOf === undefined ? 1 : this.#weightOf(slot);
  }
}
