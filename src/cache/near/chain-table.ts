import type { KeyPart } from '../../core/key.ts';
import type { EntrySlab } from './entry-slab.ts';
import type { SlotTable } from './slot-table.ts';

/**
 * A cell, which stands at the head of a chain or in the slab's column `chained`: the slot plus one in 24 bits; 7 bits of the hash, of which the lowest is set,
 * so that none equals an empty cell; and, as the sign, whether another one follows. 0 is empty.
 */
const slotMask = 0xff_ffff;
const tagShift = 24;
const tagBits = 0x7f00_0000;
const leastTag = 0x0100_0000;
const more = -0x8000_0000;

const leastHeads = 32;

/** Entries per head at most. With half as many, one hit in eight fewer would read a further entry, but the heads would fill twice as much of the processor's caches: about as fast in a large cache, and small ones lose up to a tenth of a hit. */
const mostPerHead = 1;

/** Old chains that a new entry moves while the table grows: it is done after half of the entries that make it grow again. */
const movedAtOnce = 2;

/** What `slot-table` says: copies, since a constant of another module would be read from memory each time. A test compares. */
const crowd = 4;
const absent = -1;
const crowded = -2;

/** These constants: for the test. */
export const chainTableConstants: Readonly<Record<string, number>> = { crowd, absent, crowded };

/**
 * A table of chains, of which most have two entries at most: the head is named by the upper bits of the hash, and each entry names the next one. It is made for speed,
 * and what costs most in a table that lies in the processor's caches are loops whose end cannot be foretold: a look-up mostly
 * knows from the head alone whether to read a key, the newest entry becomes the head, and an entry that leaves mostly is the head. 8 to 12
 * bytes per key, those in the slab among them; up to 16 while it doubles.
 *
 * It doubles without a pause: the old heads stay until new entries have moved their chains, in order, a few each; which of the
 * two has a chain is known from its number.
 */
export class ChainTable implements SlotTable {
  size = 0;
  readonly #slab: EntrySlab;
  /** Of the hottest reader, `SwiftIndex`, too, like `shift`. */
  heads: Int32Array = new Int32Array(leastHeads);
  /** The chain of a key begins at `hash >>> shift`. */
  shift: number = shiftOf(leastHeads);
  #most = leastHeads * mostPerHead;
  /** The heads before the last doubling, as long as not all of them have been moved, and how many have been. */
  #old: Int32Array | undefined;
  #moved = 0;

  constructor(slab: EntrySlab) {
    this.#slab = slab;
    slab.chain();
  }

  find(key: KeyPart, hash: number): number {
    const slab = this.#slab;
    let cell = this.#old === undefined ? this.heads[headOf(hash, this.shift)]! : this.#headWhileMoving(hash);
    const wanted = tagOf(hash);
    let strangers = 0;
    for (;;) {
      if ((cell & tagBits) === wanted) {
        const slot = (cell & slotMask) - 1;
        if (slab.keyOf(slot) === key) return slot;
        strangers++;
      }
      if (cell >= 0) break;
      cell = slab.chained[(cell & slotMask) - 1]!;
    }
    return strangers < crowd ? absent : this.#among(hash);
  }

  add(slot: number, hash: number): void {
    if (this.#old !== undefined) this.#move();
    else if (this.size >= this.#most) this.#grow();
    this.size++;
    if (this.#old === undefined) this.link(this.heads, headOf(hash, this.shift), slot, tagOf(hash));
    else this.link(this.#heads(hash), this.#headAt(hash), slot, tagOf(hash));
  }

  remove(slot: number, hash: number): void {
    this.size--;
    if (this.#old === undefined) this.unlink(this.heads, headOf(hash, this.shift), slot);
    else this.unlink(this.#heads(hash), this.#headAt(hash), slot);
  }

  /** Puts a slot with this tag at the head of a chain. */
  link(heads: Int32Array, at: number, slot: number, tag: number): void {
    const head = heads[at]!;
    this.#slab.chained[slot] = head;
    // The sign of a number or of its opposite is set, unless it is 0.
    heads[at] = ((head | -head) & more) | tag | (slot + 1);
  }

  /** Takes a slot out of a chain. */
  unlink(heads: Int32Array, at: number, slot: number): void {
    if ((heads[at]! & slotMask) === slot + 1) heads[at] = this.#slab.chained[slot]!;
    else this.#unlinkLater(heads, at, slot);
  }

  /** One that is not the head. */
  #unlinkLater(heads: Int32Array, at: number, slot: number): void {
    const { chained } = this.#slab;
    let before = -1;
    let last = (heads[at]! & slotMask) - 1;
    while ((chained[last]! & slotMask) !== slot + 1) {
      before = last;
      last = (chained[last]! & slotMask) - 1;
      // It is not there: whatever went wrong before, nothing must hang.
      if (last < 0) return;
    }
    const next = chained[slot]!;
    chained[last] = next;
    if (next !== 0) return;
    if (before < 0) heads[at]! &= ~more;
    else chained[before]! &= ~more;
  }

  clear(): void {
    this.size = 0;
    this.heads = new Int32Array(leastHeads);
    this.shift = shiftOf(leastHeads);
    this.#most = leastHeads * mostPerHead;
    this.#old = undefined;
  }

  /** Whether it is neither growing nor about to: who adds and removes by `link` and `unlink` must ask. */
  get settled(): boolean {
    return this.#old === undefined && this.size <= this.#most;
  }

  /** Whether old chains are still being moved. */
  get moving(): boolean {
    return this.#old !== undefined;
  }

  longestWay(): number {
    let longest = 0;
    for (const { distance } of this.taken()) longest = Math.max(longest, distance + 1);
    return longest;
  }

  /** The cells that are taken: for tests. `distance`: how far from the head. `alike`: whether what the cell says is right, and it is in the right chain. */
  *taken(): Generator<{ slot: number; distance: number; alike: boolean }> {
    for (const heads of [this.heads, this.#old ?? new Int32Array(0)]) {
      for (const [at, head] of heads.entries()) {
        if (heads === this.#old && at < this.#moved) continue;
        for (let cell = head, distance = 0; cell !== 0; distance++) {
          const slot = (cell & slotMask) - 1;
          const hash = this.#slab.hashOf(slot);
          const next = this.#slab.chained[slot]!;
          const right = this.#heads(hash) === heads && this.#headAt(hash) === at;
          const alike = right && (cell & tagBits) === tagOf(hash) && (next !== 0) === cell < 0;
          yield { slot, distance, alike };
          cell = next;
        }
      }
    }
  }

  /** Of those in a chain whose tags are equal, those whose whole hashes are. */
  #among(hash: number): number {
    let strangers = 0;
    let cell = this.#heads(hash)[this.#headAt(hash)]!;
    while (cell !== 0) {
      const slot = (cell & slotMask) - 1;
      if (this.#slab.hashOf(slot) === hash) strangers++;
      cell = this.#slab.chained[slot]!;
    }
    return strangers < crowd ? absent : crowded;
  }

  /** The heads that have the chain of this hash now, and where. */
  #heads(hash: number): Int32Array {
    const old = this.#old;
    return old === undefined || headOf(hash, this.shift + 1) < this.#moved ? this.heads : old;
  }

  #headAt(hash: number): number {
    return headOf(hash, this.#heads(hash) === this.heads ? this.shift : this.shift + 1);
  }

  #headWhileMoving(hash: number): number {
    return this.#heads(hash)[this.#headAt(hash)]!;
  }

  #grow(): void {
    this.#old = this.heads;
    this.#moved = 0;
    this.heads = new Int32Array(2 * this.#old.length);
    this.shift--;
    this.#most *= 2;
    this.#move();
  }

  #move(): void {
    const old = this.#old!;
    const { chained } = this.#slab;
    const end = Math.min(old.length, this.#moved + movedAtOnce);
    for (let at = this.#moved; at < end; at++) {
      for (let cell = old[at]!; cell !== 0;) {
        const slot = (cell & slotMask) - 1;
        cell = chained[slot]!;
        const hash = this.#slab.hashOf(slot);
        this.link(this.heads, headOf(hash, this.shift), slot, tagOf(hash));
      }
    }
    this.#moved = end;
    if (end === old.length) this.#old = undefined;
  }
}

/** Where the chain of a key begins. Signed: V8 keeps what is now signed, now unsigned as a floating-point number. */
function headOf(hash: number, shift: number): number {
  return (hash >>> shift) | 0;
}

function tagOf(hash: number): number {
  return ((hash << tagShift) & tagBits) | leastTag;
}

function shiftOf(heads: number): number {
  return Math.clz32(heads) + 1;
}
