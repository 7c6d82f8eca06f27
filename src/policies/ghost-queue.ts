import { Int32Slots } from './slot-array.ts';

const chunkBits = 12;
const chunkMask = (1 << chunkBits) - 1;
const firstBuckets = 64;
const heaviest = 0x7fff_ffff;

/** Where the numbers of a ghost stand in its record. */
const hashAt = 0;
const chainAt = 1;
const olderAt = 2;
const newerAt = 3;

/**
 * A queue of entries that have gone, by the 32-bit hashes of their keys: what came back soon after it had gone can be told
 * from what is new. Two keys with the same hash are taken for each other, one in four thousand million.
 *
 * The hash table grows by linear hashing (Litwin, "Linear hashing: a new tool for file and table addressing", 1980): each
 * ghost beyond the number of buckets splits one bucket, so there is never a pause to build the table anew. A record is 16
 * bytes and a bucket 4: 20 bytes per ghost, 24 if ghosts have weights. Memory stays as large as the queue once was.
 */
export class GhostQueue {
  size = 0;
  weight = 0;
  readonly #chunks: Int32Array[] = [];
  readonly #buckets = new Int32Slots();
  /** Undefined if each weighs 1. */
  readonly #weights: Int32Slots | undefined;
  /** Buckets that there were when they were last doubled, less 1: a power of two less 1. */
  #mask = firstBuckets - 1;
  /** The buckets below have been split since. */
  #split = 0;
  /** Records that there are; number 0 stands for none. */
  #made = 1;
  /** The first record that is not used; they are chained. */
  #unused = 0;
  #oldest = 0;
  #newest = 0;

  constructor(weighted: boolean) {
    this.#weights = weighted ? new Int32Slots() : undefined;
    this.#buckets.reserve(firstBuckets - 1);
  }

  /** Puts a ghost at the new end. */
  add(hash: number, weight: number): void {
    const ghost = this.#newRecord();
    const bucket = this.#bucketOf(hash);
    this.#write(ghost, hashAt, hash);
    this.#write(ghost, chainAt, this.#buckets.get(bucket));
    this.#buckets.set(bucket, ghost);
    this.#write(ghost, olderAt, this.#newest);
    this.#write(ghost, newerAt, 0);
    if (this.#newest === 0) this.#oldest = ghost;
    else this.#write(this.#newest, newerAt, ghost);
    this.#newest = ghost;
    this.size++;
    if (this.#weights === undefined) this.weight++;
    else {
      const kept = Math.min(weight, heaviest);
      this.#weights.set(ghost, kept);
      this.weight += kept;
    }
    if (this.size > this.#mask + 1 + this.#split) this.#splitBucket();
  }

  /** Removes the ghost of this hash. Returns its weight, 0 if there was none. */
  take(hash: number): number {
    const bucket = this.#bucketOf(hash);
    let ghost = this.#buckets.get(bucket);
    while (ghost !== 0 && this.#read(ghost, hashAt) !== hash) ghost = this.#read(ghost, chainAt);
    return ghost === 0 ? 0 : this.#drop(ghost, bucket);
  }

  /** Removes the oldest ghost. There must be one. */
  dropOldest(): void {
    this.#drop(this.#oldest, this.#bucketOf(this.#read(this.#oldest, hashAt)));
  }

  #drop(ghost: number, bucket: number): number {
    const chain = this.#read(ghost, chainAt);
    let before = this.#buckets.get(bucket);
    if (before === ghost) this.#buckets.set(bucket, chain);
    else {
      while (this.#read(before, chainAt) !== ghost) before = this.#read(before, chainAt);
      this.#write(before, chainAt, chain);
    }
    const older = this.#read(ghost, olderAt);
    const newer = this.#read(ghost, newerAt);
    if (older === 0) this.#oldest = newer;
    else this.#write(older, newerAt, newer);
    if (newer === 0) this.#newest = older;
    else this.#write(newer, olderAt, older);
    this.#write(ghost, chainAt, this.#unused);
    this.#unused = ghost;
    this.size--;
    const weight = this.#weights === undefined ? 1 : this.#weights.get(ghost);
    this.weight -= weight;
    return weight;
  }

  #bucketOf(hash: number): number {
    let mixed = Math.imul(hash, 0x9e3779b1);
    mixed ^= mixed >>> 15;
    const bucket = mixed & this.#mask;
    return bucket < this.#split ? mixed & ((this.#mask << 1) | 1) : bucket;
  }

  #splitBucket(): void {
    const from = this.#split;
    this.#buckets.reserve(this.#mask + 1 + from);
    let ghost = this.#buckets.get(from);
    this.#buckets.set(from, 0);
    if (++this.#split > this.#mask) {
      this.#mask = (this.#mask << 1) | 1;
      this.#split = 0;
    }
    while (ghost !== 0) {
      const chain = this.#read(ghost, chainAt);
      const bucket = this.#bucketOf(this.#read(ghost, hashAt));
      this.#write(ghost, chainAt, this.#buckets.get(bucket));
      this.#buckets.set(bucket, ghost);
      ghost = chain;
    }
  }

  #newRecord(): number {
    const unused = this.#unused;
    if (unused !== 0) {
      this.#unused = this.#read(unused, chainAt);
      return unused;
    }
    const made = this.#made++;
    if (made >> chunkBits >= this.#chunks.length) this.#chunks.push(new Int32Array(4 << chunkBits));
    this.#weights?.reserve(made);
    return made;
  }

  #read(ghost: number, field: number): number {
    return this.#chunks[ghost >> chunkBits]![((ghost & chunkMask) << 2) | field]!;
  }

  #write(ghost: number, field: number, value: number): void {
    this.#chunks[ghost >> chunkBits]![((ghost & chunkMask) << 2) | field] = value;
  }
}
