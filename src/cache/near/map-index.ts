import type { KeyPart } from '../../core/key.ts';
import type { EntrySlab } from './entry-slab.ts';
import { keyHash } from './key-hash.ts';
import type { KeyIndex } from './key-index.ts';
import { SegmentedMap } from './segmented-map.ts';

/**
 * An index over `Map`s, whose hashes of texts are V8's own: a look-up of a text that was looked up before hashes nothing but, in a large
 * index, eight of its characters for the choice of a segment. 30 to 54 bytes per key, and a delete leaves a hole that is paid for later. V8 seeds its hash of texts,
 * but not that of small integers: keys of that kind can be chosen to collide.
 */
export class MapIndex implements KeyIndex {
  readonly #slab: EntrySlab;
  readonly #seed: number;
  #map: SegmentedMap<number>;

  constructor(slab: EntrySlab, seed: number) {
    this.#slab = slab;
    this.#seed = seed;
    this.#map = new SegmentedMap(seed);
  }

  get size(): number {
    return this.#map.size;
  }

  find(key: KeyPart): number {
    return this.#map.get(key) ?? -1;
  }

  hash(key: KeyPart): number {
    return keyHash(key, this.#seed);
  }

  add(slot: number): void {
    this.#map.add(this.#slab.keyOf(slot), slot);
  }

  remove(slot: number): void {
    this.#map.delete(this.#slab.keyOf(slot));
  }

  clear(): void {
    this.#map = new SegmentedMap(this.#seed);
  }
}
