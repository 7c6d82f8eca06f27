import type { KeyPart } from '../../core/key.ts';
import { sampleHash, keyHash } from './key-hash.ts';
import type { KeyHash } from './key-hash.ts';

/** The most entries of one segment: a V8 `Map` of this size grows in about a millisecond, one of a million entries in 90. */
const segmentLimit = 16_384;

/** A split moves this many entries with each insertion into its segments, so that it is done before either is full. */
const stride = 64;

/** A segment splits when it is full but for an eighth: enough for several splits in a row that do not relieve it. */
const splitShare = 7 / 8;

/** After so many splits in a row that moved hardly anything, a segment's keys are told apart by the thorough hash. */
const mostFutile = 3;

/** At most 2^16 segments, which is a billion entries. */
const deepest = 16;

/**
 * A `Map` that never stalls: extendible hashing (Fagin et al., 1979) over `Map`s of at most `segmentLimit` entries. A full
 * segment splits by one more bit of a cheap hash, a few entries per insertion. While there is one segment, no hash is
 * computed; a hit computes none that V8 does not have except the cheap one. Keys that the cheap hash does not tell apart go
 * to a map of their own, which uses the thorough one; should that fail too, a segment grows beyond the limit.
 */
export class SegmentedMap<V> {
  #only: Map<KeyPart, V> | undefined = new Map();
  /** By the low `#depth` bits of a key's hash; a segment of less depth stands in several places. */
  #directory: Segment<V>[] = [];
  #depth = 0;
  #size = 0;
  readonly #seed: number;
  readonly #splitAt: number;
  readonly #hash: KeyHash;

  constructor(seed: number, limit: number = segmentLimit, hash: KeyHash = sampleHash) {
    this.#seed = seed | 0;
    this.#splitAt = Math.max(2, Math.floor(limit * splitShare));
    this.#hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  get(key: KeyPart): V | undefined {
    const only = this.#only;
    return only === undefined ? this.#find(key) : only.get(key);
  }

  /** Adds what is not inside yet. */
  add(key: KeyPart, value: V): void {
    this.#size++;
    const only = this.#only;
    if (only !== undefined) {
      only.set(key, value);
      if (only.size >= this.#splitAt) this.#open(only);
      return;
    }
    const segment = this.#segment(key);
    if (segment.nested !== undefined) {
      segment.nested.add(key, value);
      this.#empty(segment, segment.nested);
      return;
    }
    segment.map.set(key, value);
    if (segment.split !== undefined) this.#advance(segment.split);
    else if (segment.map.size >= this.#splitAt) this.#begin(segment);
  }

  delete(key: KeyPart): boolean {
    const only = this.#only;
    const deleted = only === undefined ? this.#remove(key) : only.delete(key);
    if (deleted && --this.#size === 0 && only === undefined) this.#close();
    return deleted;
  }

  /** The maps underneath, each once: between them they hold every entry once. */
  maps(): Map<KeyPart, V>[] {
    if (this.#only !== undefined) return [this.#only];
    return [...new Set(this.#directory)].flatMap((segment) =>
      segment.nested === undefined ? [segment.map] : [segment.map, ...segment.nested.maps()],
    );
  }

  #segment(key: KeyPart): Segment<V> {
    return this.#directory[this.#hash(key, this.#seed) & (this.#directory.length - 1)]!;
  }

  #find(key: KeyPart): V | undefined {
    const segment = this.#segment(key);
    const value = segment.map.get(key);
    if (value !== undefined) return value;
    if (segment.older !== undefined) return segment.older.map.get(key);
    return segment.nested?.get(key);
  }

  #remove(key: KeyPart): boolean {
    const segment = this.#segment(key);
    if (segment.map.delete(key)) return true;
    return segment.older?.map.delete(key) ?? segment.nested?.delete(key) ?? false;
  }

  #open(only: Map<KeyPart, V>): void {
    const first = new Segment(only, 0, 0, 0);
    this.#only = undefined;
    this.#directory = [first];
    this.#depth = 0;
    this.#begin(first);
  }

  #close(): void {
    this.#only = new Map();
    this.#directory = [];
  }

  #begin(segment: Segment<V>): void {
    if (segment.futile >= mostFutile || segment.depth >= deepest) {
      if (this.#hash === keyHash) return;
      segment.nested = new SegmentedMap(this.#seed, Math.ceil(this.#splitAt / splitShare), keyHash);
      segment.moving = segment.map.entries();
      return;
    }
    const { depth, bits, futile } = segment;
    if (depth === this.#depth) {
      this.#directory = this.#directory.concat(this.#directory);
      this.#depth++;
    }
    const bit = 1 << depth;
    const sibling = new Segment<V>(new Map(), depth + 1, bits | bit, futile);
    sibling.older = segment;
    segment.depth = depth + 1;
    for (let place = sibling.bits; place < this.#directory.length; place += bit << 1) {
      this.#directory[place] = sibling;
    }
    segment.split = { from: segment, to: sibling, bit, moving: segment.map.entries() };
    sibling.split = segment.split;
  }

  #advance({ from, to, bit, moving }: Split<V>): void {
    for (let moved = 0; moved < stride; moved++) {
      const next = moving.next();
      if (next.done === true) {
        finish(from, to);
        return;
      }
      const [key, value] = next.value;
      if ((this.#hash(key, this.#seed) & bit) === 0) continue;
      to.map.set(key, value);
      from.map.delete(key);
    }
  }

  /** Moves some of a segment that does not split into the map that took its place. */
  #empty(segment: Segment<V>, nested: SegmentedMap<V>): void {
    for (let moved = 0; moved < stride && segment.moving !== undefined; moved++) {
      const next = segment.moving.next();
      if (next.done === true) {
        segment.moving = undefined;
        return;
      }
      nested.add(next.value[0], next.value[1]);
      segment.map.delete(next.value[0]);
    }
  }
}

class Segment<V> {
  readonly map: Map<KeyPart, V>;
  /** How many low bits of the hash its keys have in common, and which. */
  depth: number;
  readonly bits: number;
  futile: number;
  split: Split<V> | undefined = undefined;
  /** Where its entries may still be, until the split that made it is done. */
  older: Segment<V> | undefined = undefined;
  nested: SegmentedMap<V> | undefined = undefined;
  moving: MapIterator<[KeyPart, V]> | undefined = undefined;

  constructor(map: Map<KeyPart, V>, depth: number, bits: number, futile: number) {
    this.map = map;
    this.depth = depth;
    this.bits = bits;
    this.futile = futile;
  }
}

/** A split under way. An entry is in exactly one of the two maps. */
interface Split<V> {
  readonly from: Segment<V>;
  readonly to: Segment<V>;
  readonly bit: number;
  readonly moving: MapIterator<[KeyPart, V]>;
}

function finish<V>(from: Segment<V>, to: Segment<V>): void {
  const fewer = Math.min(from.map.size, to.map.size);
  const futile = fewer < (from.map.size + to.map.size) / 16 ? from.futile + 1 : 0;
  from.futile = futile;
  to.futile = futile;
  from.split = undefined;
  to.split = undefined;
  to.older = undefined;
}
