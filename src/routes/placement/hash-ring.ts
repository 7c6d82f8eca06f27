/** One point of a ring, and the server that owns the keys up to it. */
export interface RingPoint {
  readonly at: number;
  readonly owner: number;
}

/** Points on a ring of numbers: a key belongs to the first one that is not below it, around the end. */
export class HashRing {
  readonly #points: Float64Array;
  readonly #owners: Uint16Array;
  readonly #servers: number;

  /** Where two points are equal, the one that comes first in the list counts. */
  constructor(points: readonly RingPoint[], servers: number) {
    const sorted = points.toSorted((one, other) => one.at - other.at);
    this.#points = Float64Array.from(sorted, ({ at }) => at);
    this.#owners = Uint16Array.from(sorted, ({ owner }) => owner);
    this.#servers = servers;
  }

  ownerOf(hash: number): number {
    return this.#owners[this.#find(hash)]!;
  }

  /** Owners in the order in which the ring meets them, from the key on. */
  ownersOf(hash: number, count: number): readonly number[] {
    const wanted = Math.min(count, this.#servers);
    const owners = new Set<number>();
    const { length } = this.#owners;
    const first = this.#find(hash);
    for (let step = 0; step < length && owners.size < wanted; step++)
      owners.add(this.#owners[(first + step) % length]!);
    return [...owners];
  }

  #find(hash: number): number {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low === points.length ? 0 : low;
  }
}
