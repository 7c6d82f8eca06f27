import { HashDirectory } from './hash-directory.ts';
import type { SlotLists } from './slot-lists.ts';
import { TinyLfuSegments } from './tiny-lfu-segments.ts';

/**
 * A small W-TinyLFU cache of nothing but hashes, with a window that stays as it is: fed with a sample of the requests, its hit ratio
 * is an estimate of what a cache would have whose window has this share (miniature simulation: Waldspurger, Saemundsson, Ahmad and Park, "Cache modeling
 * and optimization using miniature simulations", ATC 2017).
 */
export class ShadowCache {
  hits = 0;
  readonly #capacity: number;
  readonly #segments: TinyLfuSegments;
  readonly #directory: HashDirectory;
  readonly #hashes: Int32Array;
  readonly #first: number;
  #used = 0;

  /** Takes three lists of `lists` from `number * 3` on, and `capacity` slots from `number * capacity` on. */
  constructor(number: number, capacity: number, share: number, lists: SlotLists, seed: number) {
    this.#capacity = capacity;
    this.#first = number * capacity;
    this.#hashes = new Int32Array(capacity);
    this.#directory = new HashDirectory(capacity);
    this.#segments = new TinyLfuSegments({
      capacity,
      share,
      seed,
      lists,
      firstList: number * 3,
      hashOf: (slot) => this.#hashes[slot - this.#first]!,
    });
  }

  request(hash: number): void {
    let slot = this.#directory.get(hash);
    if (slot >= 0) {
      this.hits++;
      this.#segments.hit(slot);
      return;
    }
    if (this.#used < this.#capacity) {
      slot = this.#first + this.#used++;
    } else {
      slot = this.#segments.victim();
      this.#segments.remove(slot);
      this.#directory.delete(this.#hashes[slot - this.#first]!);
    }
    this.#hashes[slot - this.#first] = hash;
    this.#directory.set(hash, slot);
    this.#segments.insert(slot, false);
  }
}
