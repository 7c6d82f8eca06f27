import { HashDirectory } from './hash-directory.ts';
import type { SlotLists } from './slot-lists.ts';
import { TinyLfuSegments } from './tiny-lfu-segments.ts';

/**
 * A small W-TinyLFU cache of nothing but hashes, with a window that stays as it is: fed with a sample of the requests, its hit ratio
 * is an estimate of what a cache would have whose window has this share (miniature simulation: Waldspurger, Saemundsson, Ahmad and
 * Park, "Cache modeling and optimization using miniature simulations", ATC 2017).
 */
export class ShadowCache {
  hits = 0;
  readonly #segments: TinyLfuSegments;
  readonly #directory: HashDirectory;
  readonly #hashes: Int32Array;
  readonly #first: number;
  readonly #free: number[] = [];

  /** Takes three lists of `lists` from `number * 3` on, and slots from `number * most` on. */
  constructor(number: number, most: number, capacity: number, share: number, lists: SlotLists, seed: number) {
    this.#first = number * most;
    this.#hashes = new Int32Array(most);
    this.#directory = new HashDirectory(most);
    for (let slot = this.#first + most - 1; slot >= this.#first; slot--) this.#free.push(slot);
    this.#segments = new TinyLfuSegments({
      capacity,
      share,
      seed,
      lists,
      firstList: number * 3,
    });
  }

  /** Whether it has no room left: before that, all that it holds would stay with any window. */
  get full(): boolean {
    return this.#segments.size >= this.#segments.capacity;
  }

  /** At most what it was made for. */
  set capacity(capacity: number) {
    this.#segments.capacity = capacity;
    while (this.#segments.size > capacity) this.#evict();
  }

  request(hash: number): void {
    const found = this.#directory.get(hash);
    if (found >= 0) {
      this.hits++;
      this.#segments.hit(found);
      return;
    }
    if (this.#segments.size >= this.#segments.capacity) this.#evict();
    const slot = this.#free.pop()!;
    this.#hashes[slot - this.#first] = hash;
    this.#directory.set(hash, slot);
    this.#segments.insert(slot, hash, false);
  }

  #evict(): void {
    const slot = this.#segments.victim();
    const hash = this.#hashes[slot - this.#first]!;
    this.#segments.remove(slot, hash);
    this.#directory.delete(hash);
    this.#free.push(slot);
  }
}
