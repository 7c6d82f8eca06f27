import type { KeyPart } from '../../core/key.ts';

/**
 * Finds slots by keys. Keys are equal as `===` says, so `1`, `'1'`, `1n` and `true` are four, and 0 and -0 are one. The hash
 * of a key is always that of `keyHash` with the tier's seed.
 */
export interface KeyIndex {
  /** Keys inside. */
  readonly size: number;
  /** Whether a look-up needs the hash. */
  readonly hashes: boolean;
  /** The slot of a key, or -1. */
  find(key: KeyPart): number;
  /** The same where the hash is known already. */
  findHashed(key: KeyPart, hash: number): number;
  /** Adds a slot whose key is not inside yet, and which tells its key and hash already. */
  add(slot: number): void;
  /** Removes a slot that is inside, and still tells its key and hash. */
  remove(slot: number): void;
  /** Forgets everything at once, however much it is. */
  clear(): void;
}
