import type { KeyPart } from '../../core/key.ts';

/**
 * Finds slots by keys. Keys are equal as `===` says, so `1`, `'1'`, `1n` and `true` are four, and 0 and -0 are one. The hash
 * of a key is always that of `keyHash` with the tier's seed.
 */
export interface KeyIndex {
  /** Keys inside. */
  readonly size: number;
  /** The slot of a key, or -1. */
  find(key: KeyPart): number;
  /** The hash under which a key would be added that `find` has just not found. */
  hash(key: KeyPart): number;
  /** Adds a slot with that key and that hash, at once after `find` and `hash`, with nothing but removals in between. */
  add(slot: number): void;
  /** Removes a slot that is inside, and still tells its key and hash. */
  remove(slot: number, hash: number): void;
  /** Forgets everything at once, however much it is. */
  clear(): void;
}
