import type { NearEntry } from './near-entry.ts';

const chunkBits = 13;
const chunkMask = (1 << chunkBits) - 1;

/**
 * Entries by slot. Slots are dense: the one freed last is used again first, and a new one is taken when none is free. It
 * grows chunk by chunk, so growing never copies.
 */
export class SlotTable {
  /** A cell holds its entry, or the free slot after it. */
  readonly #chunks: (NearEntry | number)[][] = [];
  #free = -1;
  #end = 0;

  /** Gives the entry a slot. */
  add(entry: NearEntry): number {
    let slot = this.#free;
    if (slot === -1) {
      slot = this.#end++;
      if (slot >> chunkBits === this.#chunks.length) this.#chunks.push([]);
    } else {
      this.#free = this.#chunks[slot >> chunkBits]![slot & chunkMask] as number;
    }
    this.set(slot, entry);
    return slot;
  }

  /** The slot must be taken. */
  get(slot: number): NearEntry {
    return this.#chunks[slot >> chunkBits]![slot & chunkMask] as NearEntry;
  }

  set(slot: number, entry: NearEntry): void {
    this.#chunks[slot >> chunkBits]![slot & chunkMask] = entry;
  }

  free(slot: number): void {
    this.#chunks[slot >> chunkBits]![slot & chunkMask] = this.#free;
    this.#free = slot;
  }
}
