import type { KeyPart } from '../../core/key.ts';
import type { EntrySlab } from './entry-slab.ts';
import { absent, crowd, crowded, type SlotTable } from './slot-table.ts';

/**
 * A cell: the slot plus one in 24 bits; how far it lies behind its home in 3 bits; 5 bits of the hash, which are not all 0. The upper 8 bits together are
 * the tag that a look-up compares; that of an empty cell, which is 0, equals none. (With 4 and 3 bits every fifth look-up reads a key in vain.)
 */
const slotBits = 24;
const slotMask = (1 << slotBits) - 1;
const farthest = 7;

/** Homes of an empty table, and of the largest segment, which is rebuilt in about a millisecond. */
const leastHomes = 16;
const mostHomes = 32_768;

/** How much larger a segment becomes when it is full. */
const growth = 1.15;

/** Cells behind the last home, so that no cluster has to go on at the front. A longer one makes the segment grow. */
const tail = 64;

/** One step of distance in a cell. */
const step = 1 << slotBits;
const farStep = farthest << slotBits;
/** At most 2^12 segments by their own bits of the hash. */
const deepest = 12;

/**
 * A table of slots by the hashes of their keys: open addressing with Robin Hood probes (Celis, Larson and Munro, "Robin Hood hashing", 1985): who is farther
 * from home takes the cell, so that distances stay small and equal, and a look-up ends at the first cell whose key is nearer to its home. A
 * delete moves back what follows. The distances stand in the cells, so neither reads a hash or key of others.
 *
 * It is cut into segments that split in two, chosen by the upper bits of the hash (extendible hashing: Fagin, Nievergelt, Pippenger and Strong,
 * 1979), so that growing never takes long. Equal hashes make look-ups slower, but never wrong.
 */
export class HashTable implements SlotTable {
  size = 0;
  readonly #slab: EntrySlab;
  readonly #full: number;
  #directory: Segment[];
  /** The directory is chosen by the upper `31 - #shift` bits of the hash. */
  #shift = 31;

  /** A segment grows when it is full to this share: .85 takes 4.7 to 5.4 bytes per key, .5 takes 8 to 9.2 and makes shorter ways. */
  constructor(slab: EntrySlab, fullShare: number) {
    this.#full = fullShare;
    this.#slab = slab;
    this.#directory = [new Segment(leastHomes + tail, 0)];
  }

  find(key: KeyPart, hash: number): number {
    const { cells } = this.#directory[(hash >>> 1) >>> this.#shift]!;
    const at = Math.imul(hash & 0xffff, cells.length - tail) >>> 16;
    const tag = tagOf(hash);
    // The first four cells at once, without a branch for each: which of them it is cannot be foretold.
    const first = cells[at]!;
    const second = cells[at + 1]!;
    const third = cells[at + 2]!;
    const fourth = cells[at + 3]!;
    const inFirst = (((first >>> slotBits) ^ tag) - 1) >> 31;
    const inSecond = (((second >>> slotBits) ^ (tag + 1)) - 1) >> 31;
    const inThird = (((third >>> slotBits) ^ (tag + 2)) - 1) >> 31;
    const inFourth = (((fourth >>> slotBits) ^ (tag + 3)) - 1) >> 31;
    const alike = inFirst + inSecond + inThird + inFourth;
    if (alike === -1) {
      const cell = (first & inFirst) | (second & inSecond) | (third & inThird) | (fourth & inFourth);
      const slot = (cell & slotMask) - 1;
      if (this.#slab.keyOf(slot) === key) return slot;
    } else if (alike === 0 && (fourth & farStep) < 3 * step) {
      return -1;
    }
    return this.#search(key, hash, cells, at, tag);
  }

  add(slot: number, hash: number): void {
    let segment = this.#segment(hash);
    while (
      segment.count >= (segment.cells.length - tail) * this.#full ||
      !this.#insert(segment.cells, slot, hash)
    ) {
      this.#enlarge(segment);
      segment = this.#segment(hash);
    }
    segment.count++;
    this.size++;
  }

  remove(slot: number, hash: number): void {
    const segment = this.#segment(hash);
    const { cells } = segment;
    let hole = Math.imul(hash & 0xffff, cells.length - tail) >>> 16;
    while ((cells[hole]! & slotMask) !== slot + 1) hole++;
    for (;;) {
      const cell = cells[hole + 1]!;
      const distance = cell & farStep;
      if (distance === 0) break;
      cells[hole] = distance === farStep ? this.#moved(cell, hole, cells.length) : (cell - step) | 0;
      hole++;
    }
    cells[hole] = 0;
    this.size--;
    segment.count--;
  }

  clear(): void {
    this.size = 0;
    this.#directory = [new Segment(leastHomes + tail, 0)];
    this.#shift = 31;
  }

  longestWay(): number {
    let longest = 0;
    for (const { distance } of this.taken()) longest = Math.max(longest, distance + 1);
    return longest;
  }

  /** The cells that are taken, segment by segment and in order: for tests. */
  *taken(): Generator<TakenCell> {
    for (const [segment, { cells }] of [...new Set(this.#directory)].entries()) {
      for (const [at, cell] of cells.entries()) {
        if (cell === 0) continue;
        const distance = this.#distance(cell, at, cells.length);
        const told = (cell & farStep) >> slotBits;
        const alike = ((cell >>> slotBits) & ~farthest) === tagOf(this.#slab.hashOf((cell & slotMask) - 1));
        yield { slot: (cell & slotMask) - 1, segment, at, last: cells.length - 1, distance, told, alike };
      }
    }
  }

  #segment(hash: number): Segment {
    return this.#directory[(hash >>> 1) >>> this.#shift]!;
  }

  #search(key: KeyPart, hash: number, cells: Int32Array, home: number, firstTag: number): number {
    let tag = firstTag;
    let strangers = 0;
    for (let at = home; ; at++) {
      const cell = cells[at]!;
      const found = cell >>> slotBits;
      if (found === tag) {
        const slot = (cell & slotMask) - 1;
        if (this.#slab.keyOf(slot) === key) return slot;
        if (this.#slab.hashOf(slot) === hash) strangers++;
      } else if (cell === 0 || (found & farthest) < (tag & farthest)) break;
      if ((tag & farthest) < farthest) tag++;
    }
    return strangers < crowd ? absent : crowded;
  }

  /** How far a cell lies behind its home. */
  #distance(cell: number, at: number, length: number): number {
    return at - (Math.imul(this.#slab.hashOf((cell & slotMask) - 1) & 0xffff, length - tail) >>> 16);
  }

  /** The same cell, with its distance at this place. */
  #moved(cell: number, at: number, length: number): number {
    const distance = Math.min(farthest, this.#distance(cell, at, length));
    return (cell & ~farStep) | (distance << slotBits);
  }

  /** False: there is no room, and nothing has been changed. */
  #insert(cells: Int32Array, slot: number, hash: number): boolean {
    const last = cells.length - 1;
    // The last cell stays empty: every cluster has an end.
    if (cells[last - 1] !== 0) return false;
    let at = Math.imul(hash & 0xffff, cells.length - tail) >>> 16;
    let distance = 0;
    // The place is behind all that are as far from home.
    for (; ; at++) {
      const present = cells[at]!;
      if (present === 0) break;
      let other = (present & farStep) >> slotBits;
      if (other === farthest && distance >= farthest) other = this.#distance(present, at, cells.length);
      if (other < distance) break;
      distance++;
    }
    let cell =
      (tagOf(hash) << slotBits) | ((distance < farthest ? distance : farthest) << slotBits) | (slot + 1);
    // The rest of the cluster moves on by one.
    for (; ; at++) {
      const present = cells[at]!;
      cells[at] = cell;
      if (present === 0) return true;
      cell = (present & farStep) === farStep ? present : (present + step) | 0;
    }
  }

  /** Gives a segment more cells, or splits it. */
  #enlarge(segment: Segment): void {
    const homes = Math.ceil((segment.cells.length - tail) * growth);
    if (homes <= mostHomes || segment.depth >= deepest)
      segment.cells = this.#refilled([segment.cells], homes, 0, 0);
    else this.#split(segment);
  }

  /** The slots of these cells whose hashes have this bit (0: all) as told, in a table of so many homes, or more. */
  #refilled(from: readonly Int32Array[], homes: number, bit: number, wanted: number): Int32Array {
    const cells = new Int32Array(homes + tail);
    for (const each of from) {
      for (let index = 0; index < each.length; index++) {
        if (each[index] === 0) continue;
        const slot = (each[index]! & slotMask) - 1;
        const hash = this.#slab.hashOf(slot);
        if ((hash & bit) !== wanted) continue;
        if (!this.#insert(cells, slot, hash))
          return this.#refilled(from, Math.ceil(homes * growth) + tail, bit, wanted);
      }
    }
    return cells;
  }

  #split(segment: Segment): void {
    const { cells, depth } = segment;
    const bit = 1 << (31 - depth);
    const counts: [number, number] = [0, 0];
    for (const cell of cells) {
      if (cell !== 0) counts[(this.#slab.hashOf((cell & slotMask) - 1) & bit) === 0 ? 0 : 1]!++;
    }
    // Both have as many keys, or the hash is no hash.
    const halves = counts.map((count, upper) => {
      const homes = Math.ceil((Math.max(count, segment.count / 2) / this.#full) * growth);
      const half = new Segment(0, depth + 1);
      half.cells = this.#refilled([cells], homes, bit, upper === 0 ? 0 : bit);
      half.count = count;
      return half;
    });
    if (depth === 31 - this.#shift) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#shift--;
    }
    const first = this.#directory.indexOf(segment);
    const places = this.#directory.length >> depth;
    for (let place = 0; place < places; place++) {
      this.#directory[first + place] = halves[place < places / 2 ? 0 : 1]!;
    }
  }
}

/** What a cell holds. */
export interface TakenCell {
  readonly slot: number;
  /** By number. */
  readonly segment: number;
  /** Its place in the segment, and the last place there is. */
  readonly at: number;
  readonly last: number;
  /** How far it lies behind its home, and what the cell tells: 7 at most. */
  readonly distance: number;
  readonly told: number;
  /** Whether the bits of the hash in the cell are right. */
  readonly alike: boolean;
}

/** The tag of a key in its home: one more is the tag in the next cell, and so on. */
function tagOf(hash: number): number {
  const bits = (hash >>> 14) & 0xf8;
  return bits | (((bits - 1) >>> 28) & 8);
}

class Segment {
  cells: Int32Array;
  count = 0;
  /** How many upper bits of the hash its keys have in common. */
  readonly depth: number;

  constructor(length: number, depth: number) {
    this.cells = new Int32Array(length);
    this.depth = depth;
  }
}
