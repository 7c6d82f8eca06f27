import { wrongOption } from '../core/error.ts';

/** Beyond this weight of a request all counts are scaled back. */
const mostUnit = 2 ** 40;

/**
 * Which keys are asked for most, by a fixed number of counters. Source: Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and
 * Top-k Elements in Data Streams" (ICDT 2005), "Space-Saving": a key without a counter takes over the lowest one, with what that has counted as
 * its possible error. Old requests count less: `age` shrinks all counts at once, by letting new requests weigh more (Cormode, Shkapenyuk, Srivastava and
 * Xu, "Forward Decay", ICDE 2009).
 *
 * With n requests counted (aged as all are) and k counters, whatever the keys and their order:
 * - `count` is at least the true count and `least` at most, and they differ by at most n / k;
 * - every key with a true count above n / k has a counter.
 *
 * Keys are told apart by 32 bits of a hash, which is the owner's to seed: with another one in each process nobody outside can choose
 * keys that share a counter. Cost: 10 ns for a key that has a counter, up to 100 ns for others, O(log k) on average, without allocation. Memory: 40 to 48 bytes per counter.
 */
export class HeavyHitters {
  readonly counters: number;
  /** By slot. A slot is a counter; it is one key's until another takes it over. */
  readonly #hashes: Int32Array;
  readonly #counts: Float64Array;
  readonly #errors: Float64Array;
  /** The slots as a heap by what they had counted when they were last placed: who counts more sinks when it comes to the top. */
  readonly #heap: Int32Array;
  readonly #placed: Float64Array;
  /** Open addressing, at most half full: slot + 1, or 0 for an empty place. */
  readonly #table: Int32Array;
  readonly #shift: number;
  #used = 0;
  /** What one request counts now. */
  #unit = 1;

  /** Throws `CISTERN_OPTION` unless there are 16 to 1,048,576 counters. */
  constructor(counters: number) {
    if (!(Number.isInteger(counters) && counters >= 16 && counters <= 1 << 20))
      throw wrongOption('counters', counters, 'a whole number from 16 to 1048576');
    this.counters = counters;
    this.#hashes = new Int32Array(counters);
    this.#counts = new Float64Array(counters);
    this.#errors = new Float64Array(counters);
    this.#heap = new Int32Array(counters);
    this.#placed = new Float64Array(counters);
    const bits = Math.ceil(Math.log2(2 * counters));
    this.#table = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  /** The key with this hash (32 bits, signed) was asked for, once or several times. The slot of its counter. */
  record(hash: number, times = 1): number {
    const added = times * this.#unit;
    let slot = this.find(hash);
    if (slot >= 0) {
      this.#counts[slot]! += added;
      return slot;
    }
    if (this.#used < this.counters) {
      slot = this.#used++;
      this.#counts[slot] = added;
      this.#rise(slot);
    } else {
      slot = this.#lowest();
      this.#forget(slot);
      this.#errors[slot] = this.#counts[slot]!;
      this.#counts[slot]! += added;
    }
    this.#hashes[slot] = hash;
    this.#enter(slot);
    return slot;
  }

  /** The slot of a key's counter, or -1. */
  find(hash: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    let place = Math.imul(hash, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const slot = table[place]! - 1;
      if (slot < 0 || this.#hashes[slot] === hash) return slot;
      place = (place + 1) & mask;
    }
  }

  /** How often the key was asked for at most, aged. */
  count(slot: number): number {
    return this.#counts[slot]! / this.#unit;
  }

  /** How often the key was asked for at least, aged. */
  least(slot: number): number {
    return (this.#counts[slot]! - this.#errors[slot]!) / this.#unit;
  }

  /** All that was counted counts so much of what it did from now on: above 0, at most 1. */
  age(factor: number): void {
    this.#unit /= factor;
    if (this.#unit <= mostUnit) return;
    for (let slot = 0; slot < this.#used; slot++) {
      this.#counts[slot]! /= this.#unit;
      this.#errors[slot]! /= this.#unit;
      this.#placed[slot]! /= this.#unit;
    }
    this.#unit = 1;
  }

  #rise(slot: number): void {
    const heap = this.#heap;
    const placed = this.#placed;
    const count = this.#counts[slot]!;
    placed[slot] = count;
    let place = slot;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent]!;
      if (placed[above]! <= count) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = slot;
  }

  /** The slot with the lowest count. */
  #lowest(): number {
    const counts = this.#counts;
    const placed = this.#placed;
    let slot = this.#heap[0]!;
    // Each one that sinks has been asked for since it was placed, so this costs a request no more than sinking itself.
    while (counts[slot]! > placed[slot]!) {
      placed[slot] = counts[slot]!;
      this.#sink();
      slot = this.#heap[0]!;
    }
    return slot;
  }

  /** The top of the heap goes to its place. */
  #sink(): void {
    const heap = this.#heap;
    const placed = this.#placed;
    const slot = heap[0]!;
    const count = placed[slot]!;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#used) break;
      if (child + 1 < this.#used && placed[heap[child + 1]!]! < placed[heap[child]!]!) child++;
      const below = heap[child]!;
      if (placed[below]! >= count) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = slot;
  }

  #enter(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let place = Math.imul(this.#hashes[slot]!, 0x9e3779b1) >>> this.#shift;
    while (table[place] !== 0) place = (place + 1) & mask;
    table[place] = slot + 1;
  }

  /** Takes a slot out of the table; those behind it move up, so that none is cut off from its beginning. */
  #forget(slot: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = Math.imul(this.#hashes[slot]!, 0x9e3779b1) >>> this.#shift;
    while (table[hole] !== slot + 1) hole = (hole + 1) & mask;
    let place = hole;
    for (;;) {
      place = (place + 1) & mask;
      const other = table[place]!;
      if (other === 0) break;
      const home = Math.imul(this.#hashes[other - 1]!, 0x9e3779b1) >>> this.#shift;
      // It may move to the hole if that is not before its beginning.
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      table[hole] = other;
      hole = place;
    }
    table[hole] = 0;
  }
}
