import type { KeyPart } from '../../core/key.ts';
import type { EntrySlab } from './entry-slab.ts';
import type { SlotTable } from './slot-table.ts';

/**
 * A cell: the slot plus one in 24 bits; then 4 bits of the hash; then, in 4 bits, how far it lies behind where its way begins, 15 if that or more. 0 is empty.
 * The upper 8 bits together are what a look-up compares: of all cells on its way one in 16 of those that began there, too, equals by chance.
 */
const slotBits = 24;
const slotMask = (1 << slotBits) - 1;
const tagMask = 0xf;
const step = 0x10;
const wayShift = 28;
const farthest = 15;
/** What a look-up that has gone too far compares with. */
const tooFar = 0x100;

const leastCells = 32;

/** Cells that a new entry moves while the table grows: it is done after an eighth of the entries that make it grow again. */
const movedAtOnce = 8;

/** What `slot-table` says: copies, since a constant of another module would be read from memory each time. A test compares. */
const crowd = 4;
const absent = -1;
const crowded = -2;

/** These constants: for the test. */
export const probeTableConstants: Readonly<Record<string, number>> = { crowd, absent, crowded };

/**
 * A table that is at most half full, in one piece, with linear probes; a delete moves back what follows, so that no marks are left. The cell where a key's way
 * begins is named by the upper bits of its hash. It is made for speed: the way of a look-up is one or two cells; what else is in a cell spares nearly
 * all looks at wrong keys, and the reading of hashes where cells move. 8 to 16 bytes per key.
 *
 * It doubles without a pause: the old cells stay until new entries have moved them, eight each and always whole clusters, so that
 * no way is cut; meanwhile a look-up that fails in the new cells goes on in the old ones.
 */
export class ProbeTable implements SlotTable {
  size = 0;
  readonly #slab: EntrySlab;
  /** Of the hottest reader, `SwiftIndex`, too, like the two that follow. */
  cells: Int32Array = new Int32Array(leastCells);
  /** The way of a key begins at `hash >>> shift`. */
  shift: number = shiftOf(leastCells);
  mask: number = leastCells - 1;
  /** The cells before the last doubling, as long as not all of them have been moved; the next one to move, and how many are left. */
  #old: Int32Array | undefined;
  #cursor = 0;
  #left = 0;

  constructor(slab: EntrySlab) {
    this.#slab = slab;
  }

  find(key: KeyPart, hash: number): number {
    const cells = this.cells;
    const mask = this.mask;
    let at = beginOf(hash, this.shift);
    let cell = cells[at]!;
    let wanted = hash & tagMask;
    let strangers = 0;
    while (cell !== 0) {
      if (cell >>> slotBits === wanted) {
        const slot = (cell & slotMask) - 1;
        if (this.#slab.keyOf(slot) === key) return slot;
        strangers++;
      }
      at = (at + 1) & mask;
      wanted += step;
      cell = cells[at]!;
    }
    if (strangers < crowd && wanted < tooFar && this.#old === undefined) return absent;
    return this.#findSlowly(key, hash);
  }

  add(slot: number, hash: number): void {
    if (this.#old !== undefined) this.#move();
    else if (this.size > this.mask >> 1) this.#grow();
    this.size++;
    this.#put(slot, hash);
  }

  remove(slot: number, hash: number): void {
    this.size--;
    if (this.#old !== undefined && this.#removeOld(slot, hash)) return;
    const { cells, mask } = this;
    let place = beginOf(hash, this.shift);
    while ((cells[place]! & slotMask) !== slot + 1) place = (place + 1) & mask;
    if (cells[(place + 1) & mask] === 0) cells[place] = 0;
    else this.#empty(cells, this.shift, place);
  }

  clear(): void {
    this.size = 0;
    this.cells = new Int32Array(leastCells);
    this.shift = shiftOf(leastCells);
    this.mask = leastCells - 1;
    this.#old = undefined;
  }

  /** Whether old cells are still being moved. */
  get moving(): boolean {
    return this.#old !== undefined;
  }

  longestWay(): number {
    let longest = 0;
    for (const { distance } of this.taken()) longest = Math.max(longest, distance + 1);
    return longest;
  }

  /** The cells that are taken: for tests. `distance`: how far from where its way begins. `alike`: whether what the cell says is right. */
  *taken(): Generator<{ slot: number; old: boolean; at: number; distance: number; alike: boolean }> {
    for (const cells of [this.cells, this.#old ?? new Int32Array(0)]) {
      for (const [at, cell] of cells.entries()) {
        if (cell === 0) continue;
        const slot = (cell & slotMask) - 1;
        const hash = this.#slab.hashOf(slot);
        const distance = (at - (hash >>> shiftOf(cells.length))) & (cells.length - 1);
        const alike = cell === cellOf(slot, hash, distance);
        yield { slot, old: cells === this.#old, at, distance, alike };
      }
    }
  }

  /** Counts those whose whole hash is equal, and looks into the old cells. */
  #findSlowly(key: KeyPart, hash: number): number {
    let strangers = 0;
    for (const cells of [this.cells, this.#old]) {
      if (cells === undefined) continue;
      for (let at = hash >>> shiftOf(cells.length); cells[at] !== 0; at = (at + 1) & (cells.length - 1)) {
        const slot = (cells[at]! & slotMask) - 1;
        if (this.#slab.keyOf(slot) === key) return slot;
        if (this.#slab.hashOf(slot) === hash) strangers++;
      }
    }
    return strangers < crowd ? absent : crowded;
  }

  #put(slot: number, hash: number): void {
    const cells = this.cells;
    const mask = this.mask;
    let at = beginOf(hash, this.shift);
    let distance = 0;
    while (cells[at] !== 0) {
      at = (at + 1) & mask;
      distance++;
    }
    cells[at] = cellOf(slot, hash, distance);
  }

  #grow(): void {
    const old = this.cells;
    this.cells = new Int32Array(2 * old.length);
    this.shift--;
    this.mask = 2 * old.length - 1;
    this.#old = old;
    // It is half full: there is a gap, and behind it a cluster begins.
    this.#cursor = old.indexOf(0);
    this.#left = old.length;
    this.#move();
  }

  #move(): void {
    const old = this.#old!;
    const mask = old.length - 1;
    let cursor = this.#cursor;
    let left = this.#left;
    for (let moved = 0; left > 0; left--, moved++) {
      const cell = old[cursor]!;
      if (cell !== 0) {
        const slot = (cell & slotMask) - 1;
        this.#put(slot, this.#slab.hashOf(slot));
        old[cursor] = 0;
      } else if (moved >= movedAtOnce) break;
      cursor = (cursor + 1) & mask;
    }
    this.#cursor = cursor;
    this.#left = left;
    if (left === 0) this.#old = undefined;
  }

  /** False: it is not among the old cells. */
  #removeOld(slot: number, hash: number): boolean {
    const old = this.#old!;
    const place = placeOf(old, this.shift + 1, slot, hash);
    if (place < 0) return false;
    this.#empty(old, this.shift + 1, place);
    return true;
  }

  /** Whoever follows and would be reached no more moves into the gap. */
  #empty(cells: Int32Array, shift: number, place: number): void {
    const mask = cells.length - 1;
    let gap = place;
    let at = (gap + 1) & mask;
    for (let cell = cells[at]!; cell !== 0; cell = cells[at]!) {
      let way = (cell >> wayShift) & farthest;
      if (way === farthest) way = (at - (this.#slab.hashOf((cell & slotMask) - 1) >>> shift)) & mask;
      const back = (at - gap) & mask;
      if (way >= back) {
        cells[gap] = moved(cell, way - back);
        gap = at;
      }
      at = (at + 1) & mask;
    }
    cells[gap] = 0;
  }
}

/** Where the way of a key begins. Signed: V8 keeps what is now signed, now unsigned as a floating-point number. */
function beginOf(hash: number, shift: number): number {
  return (hash >>> shift) | 0;
}

function cellOf(slot: number, hash: number, distance: number): number {
  return moved(((hash & tagMask) << slotBits) | (slot + 1), distance);
}

/** The same cell at so far a distance. */
function moved(cell: number, distance: number): number {
  return (cell & ((1 << wayShift) - 1)) | ((distance < farthest ? distance : farthest) << wayShift);
}

/** The cell of a slot, or -1. */
function placeOf(cells: Int32Array, shift: number, slot: number, hash: number): number {
  const mask = cells.length - 1;
  let at = beginOf(hash, shift);
  for (let cell = cells[at]!; cell !== 0; cell = cells[at]!) {
    if ((cell & slotMask) === slot + 1) return at;
    at = (at + 1) & mask;
  }
  return -1;
}

function shiftOf(cells: number): number {
  return Math.clz32(cells) + 1;
}
