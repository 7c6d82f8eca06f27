import type { KeyPart } from '../../core/key.ts';
import { type EntrySlab, flags } from './entry-slab.ts';
import { keyHash, sampleHash } from './key-hash.ts';
import type { KeyIndex } from './key-index.ts';
import { crowded, type SlotTable } from './slot-table.ts';

/**
 * An index of our own, over hash tables: a quarter of the memory of one over `Map`s, several times faster where entries are evicted, and faster for integers and for
 * texts that were built for this request.
 *
 * What a look-up of a text costs is its hash: V8 has it, but does not tell. So keys are found by the hash of a sample of their characters. Where several
 * keys have equal hashes, because they differ elsewhere, further ones like them go into a second table, whose hash takes in every
 * character. Both are seeded: nobody outside can choose keys that make a look-up long.
 */
export class HashIndex<T extends SlotTable = SlotTable> implements KeyIndex {
  readonly #slab: EntrySlab;
  readonly #seed: number;
  /** The table of the samples' hashes. */
  readonly sampled: T;
  readonly #crowded: T;
  /**
   * The last key that was not found, unless another one has come in since: who asks for it again, as a cache does on its way to the loader,
   * and who adds it at once after, need not have it looked up again. And what it had for a hash.
   */
  #missing: KeyPart | undefined;
  #hash = 0;
  #crowd = false;

  /** `makeTable` makes its tables. */
  constructor(slab: EntrySlab, seed: number, makeTable: (slab: EntrySlab) => T) {
    this.#slab = slab;
    this.#seed = seed;
    this.sampled = makeTable(slab);
    this.#crowded = makeTable(slab);
  }

  /** Whether there is a crowd. */
  get crowds(): boolean {
    return this.#crowded.size > 0;
  }

  get size(): number {
    return this.sampled.size + this.#crowded.size;
  }

  find(key: KeyPart): number {
    // What is no key at all must not be taken for the one that there is not.
    if (key === this.#missing && key !== undefined) return -1;
    const hash = sampleHash(key, this.#seed);
    const slot = this.sampled.find(key, hash);
    if (slot >= 0) return slot;
    this.missed(key, hash);
    return slot === -1 && this.#crowded.size === 0 ? -1 : this.#findCrowded(key, slot);
  }

  /** A key of this hash was looked up in the first table, and was not found. */
  missed(key: KeyPart, hash: number): void {
    this.#missing = key;
    this.#hash = hash;
    this.#crowd = false;
  }

  hash(): number {
    return this.#hash;
  }

  add(slot: number): void {
    this.#missing = undefined;
    if (!this.#crowd) {
      this.sampled.add(slot, this.#hash);
    } else {
      this.#slab.flag(slot, flags.crowded);
      this.#crowded.add(slot, this.#hash);
    }
  }

  /** A key has come in otherwise than by `add`. */
  came(): void {
    this.#missing = undefined;
  }

  remove(slot: number, hash: number): void {
    if (this.#crowded.size > 0 && this.#slab.has(slot, flags.crowded)) this.#crowded.remove(slot, hash);
    else this.sampled.remove(slot, hash);
  }

  clear(): void {
    this.#missing = undefined;
    this.sampled.clear();
    this.#crowded.clear();
  }

  /** The longest way of a look-up at present, in cells: for tests. */
  longestWay(): number {
    return Math.max(this.sampled.longestWay(), this.#crowded.longestWay());
  }

  /** `found`: what the other table answered. */
  #findCrowded(key: KeyPart, found: number): number {
    const hash = keyHash(key, this.#seed);
    const slot = this.#crowded.find(key, hash);
    if (slot >= 0) {
      this.#missing = undefined;
      return slot;
    }
    if (found === crowded) {
      this.#hash = hash;
      this.#crowd = true;
    }
    return -1;
  }
}
