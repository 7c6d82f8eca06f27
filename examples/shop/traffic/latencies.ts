/** Latencies of one kind of request, kept one by one: the percentiles are exact. */
export class Latencies {
  #values = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(milliseconds: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = milliseconds;
  }

  addAll(other: Latencies): void {
    for (let index = 0; index < other.#count; index++) this.add(other.#values[index]!);
  }

  /** The smallest value that at least this share of all values does not exceed (nearest rank); 0 when there are none. */
  percentile(share: number): number {
    if (this.#count === 0) return 0;
    const sorted = this.#values.subarray(0, this.#count).toSorted();
    return sorted[Math.max(0, Math.ceil(share * this.#count) - 1)]!;
  }
}
