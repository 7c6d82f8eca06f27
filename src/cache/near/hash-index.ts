import type { KeyPart } from '../../core/key.ts';
import { type EntrySlab, flags } from './entry-slab.ts';
import { HashTable } from './hash-table.ts';
import { keyHash, sampleHash } from './key-hash.ts';
import type { KeyIndex } from './key-index.ts';

/** So many keys may have equal hashes before others like them go elsewhere. By chance not even three have among a million. */
const mostAlike = 4;

/**
 * An index of our own, over hash tables: a quarter of the memory of one over `Map`s, several times faster where entries are evicted, and faster for integers and for
 * texts that were built for this request.
 *
 * What a look-up of a text costs is its hash: V8 has it, but does not tell. So keys are found by the hash of a sample of their characters. Where several
 * keys have equal hashes, because they differ elsewhere, further ones like them go into a second table, whose hash takes in every
 * character. Both are seeded: nobody outside can choose keys that make a look-up long.
 */
export class HashIndex implements KeyIndex {
  readonly #slab: EntrySlab;
  readonly #seed: number;
  readonly #sampled: HashTable;
  readonly #crowded: HashTable;
  /** What the last key had for a hash that was not found. */
  #hash = 0;
  #crowd = false;

  /** `fullShare`: how full its tables may be. */
  constructor(slab: EntrySlab, seed: number, fullShare: number) {
    this.#slab = slab;
    this.#seed = seed;
    this.#sampled = new HashTable(slab, fullShare);
    this.#crowded = new HashTable(slab, fullShare);
  }

  get size(): number {
    return this.#sampled.size + this.#crowded.size;
  }

  find(key: KeyPart): number {
    const hash = sampleHash(key, this.#seed);
    const slot = this.#sampled.find(key, hash);
    if (slot >= 0) return slot;
    this.#hash = hash;
    this.#crowd = false;
    return this.#sampled.strangers < mostAlike && this.#crowded.size === 0 ? -1 : this.#findCrowded(key);
  }

  hash(): number {
    return this.#hash;
  }

  add(slot: number): void {
    if (this.#crowd) {
      this.#slab.flag(slot, flags.crowded);
      this.#crowded.add(slot);
    } else {
      this.#sampled.add(slot);
    }
  }

  remove(slot: number): void {
    if (this.#slab.has(slot, flags.crowded)) this.#crowded.remove(slot);
    else this.#sampled.remove(slot);
  }

  clear(): void {
    this.#sampled.clear();
    this.#crowded.clear();
  }

  /** The longest way of a look-up at present, in cells: for tests. */
  longestWay(): number {
    return Math.max(this.#sampled.longestWay(), this.#crowded.longestWay());
  }

  #findCrowded(key: KeyPart): number {
    const crowd = this.#sampled.strangers >= mostAlike;
    const hash = keyHash(key, this.#seed);
    const slot = this.#crowded.find(key, hash);
    if (crowd) {
      this.#hash = hash;
      this.#crowd = true;
    }
    return slot;
  }
}
