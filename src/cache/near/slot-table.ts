import type { KeyPart } from '../../core/key.ts';

/** The most slots that a table can tell apart: 24 bits of a cell, less the empty one. */
export const mostSlots: number = (1 << 24) - 2;

/** So many others with an equal hash are a crowd. By chance not even three are among a million. */
export const crowd = 4;

/** What `find` answers besides a slot: not inside; and not inside, while a crowd with an equal hash is. */
export const absent = -1;
export const crowded: number = absent - 1;

/** Finds slots by the hashes of their keys. Equal hashes make it slower, but never wrong. */
export interface SlotTable {
  readonly size: number;
  /** The slot of a key; `absent`, or `crowded`, if it is not inside. */
  find(key: KeyPart, hash: number): number;
  /** Adds a slot whose key is not inside, and which tells key and hash. */
  add(slot: number, hash: number): void;
  /** Removes a slot that is inside, and still tells key and hash. */
  remove(slot: number, hash: number): void;
  clear(): void;
  /** The longest way of a look-up at present, in cells: for tests. */
  longestWay(): number;
}
