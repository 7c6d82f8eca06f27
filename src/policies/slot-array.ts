/**
 * Typed arrays indexed by slot that grow chunk by chunk: growing never copies, so no call stalls however many slots there
 * are. `reserve` must come before the first `set` of a slot; new cells are 0.
 */

const chunkBits = 14;
const chunkMask = (1 << chunkBits) - 1;

/** A signed 32-bit number per slot. */
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

/** A byte per slot. */
export class ByteSlots {
  readonly #chunks: Uint8Array[] = [];

  reserve(slot: number): void {
    while (slot >> chunkBits >= this.#chunks.length) this.#chunks.push(new Uint8Array(1 << chunkBits));
  }

  get(slot: number): number {
    return this.#chunks[slot >> chunkBits]![slot & chunkMask]!;
  }

  set(slot: number, value: number): void {
    this.#chunks[slot >> chunkBits]![slot & chunkMask] = value;
  }
}
