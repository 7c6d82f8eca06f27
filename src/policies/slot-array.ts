/**
 * Typed arrays indexed by slot that grow without a long pause. `reserve` must come before the first `set` of a slot; new
 * cells are 0.
 */

/** How much longer what is in one piece becomes: less is copied more often, more lies idle. */
const growth = 1.125;

/** From so many slots on there is memory for all that are expected, at most this many: it is not touched before it is used, and nothing has to be copied when there is much. */
const longRun = 16_384;
const mostExpected = 1 << 22;

/** How many slots there should be when there are so many and this one is needed, and so many are expected in the end. */
export function moreSlots(slots: number, slot: number, expected: number): number {
  const wanted = slot < longRun ? 0 : Math.min(mostExpected, Math.ceil(expected));
  return Math.max(slot + 1, Math.ceil(slots * growth), wanted);
}

/** The same numbers in a longer array, of so many cells per slot, that has cells for this slot. */
export function lengthened<A extends Int32Array | Uint16Array | Uint8Array>(
  cells: A,
  slot: number,
  perSlot: number,
  expected = 0,
): A {
  const slots = moreSlots(cells.length / perSlot, slot, expected);
  const longer = new (cells.constructor as new (length: number) => A)(slots * perSlot);
  longer.set(cells);
  return longer;
}

const chunkBits = 14;
const chunkMask = (1 << chunkBits) - 1;

/** A signed 32-bit number per slot. Grows chunk by chunk, so growing never copies. */
export class Int32Slots {
  readonly #chunks: Int32Array[] = [];

  reserve(slot: number): void {
    while (slot >> chunkBits >= this.#chunks.length) this.#chunks.push(new Int32Array(1 << chunkBits));
  }

  get(slot: number): number {
    return this.#chunks[slot >> chunkBits]![slot & chunkMask]!;
  }

  set(slot: number, value: number): void {
    this.#chunks[slot >> chunkBits]![slot & chunkMask] = value;
  }
}

/**
 * A byte per slot, in one piece, since every hit writes here and two loads less can be felt. It doubles by copying: a tenth
 * of a millisecond at a million slots, 5 ms at some 30 million.
 */
export class ByteSlots {
  #bytes = new Uint8Array(1 << chunkBits);

  reserve(slot: number): void {
    let { length } = this.#bytes;
    if (slot < length) return;
    while (slot >= length) length *= 2;
    const grown = new Uint8Array(length);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  get(slot: number): number {
    return this.#bytes[slot]!;
  }

  set(slot: number, value: number): void {
    this.#bytes[slot] = value;
  }
}

/** A bit per slot, in one piece, like `ByteSlots`. */
export class BitSlots {
  #words = new Int32Array(1 << (chunkBits - 5));

  reserve(slot: number): void {
    let { length } = this.#words;
    if (slot >> 5 < length) return;
    while (slot >> 5 >= length) length *= 2;
    const grown = new Int32Array(length);
    grown.set(this.#words);
    this.#words = grown;
  }

  get(slot: number): number {
    return (this.#words[slot >> 5]! >>> (slot & 31)) & 1;
  }

  set(slot: number, value: 0 | 1): void {
    const word = this.#words[slot >> 5]!;
    const bit = 1 << (slot & 31);
    this.#words[slot >> 5] = value === 0 ? word & ~bit : word | bit;
  }
}
