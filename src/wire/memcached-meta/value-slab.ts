import { largestLent } from '../../core/lending.ts';

/** Small values share buffers of this size: what a kept value can hold in memory beyond itself. */
const slabBytes = 32_768;
/** Slabs that are lent are as large as what a socket reads at once, and so many are kept for the next turn. */
const lentBytes = 65_536;
const mostKept = 32;
/** Values above this size have a buffer of their own. */
const ownBuffer = 4096;

/**
 * Copies values out of lent chunks. An `ArrayBuffer` costs microseconds, so small values share one; and as the values of
 * a chunk lie side by side, the rest of the chunk is copied along with the first, so that the next ones cost only a view.
 */
export class ValueSlab {
  /** Where slabs are lent alone: calls back when nobody looks at what was copied before. */
  readonly #later: ((callback: () => void) => void) | undefined;
  readonly #size: number;
  /** Values up to this size share a slab where they lie in the copied rest of a chunk. */
  readonly #largestShared: number;
  /** Lent until then, and free. */
  #lent: ArrayBuffer[] = [];
  readonly #free: ArrayBuffer[] = [];
  #buffer = new ArrayBuffer(0);
  #bytes = new Uint8Array(this.#buffer);
  /** Bytes of the slab in use, the copied rest of the current chunk included. */
  #used = 0;
  /** The chunk that was copied last, which part of it, and where byte 0 of it would lie in the slab. */
  #chunk: Uint8Array | undefined;
  #copiedFrom = 0;
  #copiedTo = 0;
  #shift = 0;

  /** `later`: values up to `largestLent` are good until it calls back, and then their memory is used again; all others are for good. */
  constructor(later?: (callback: () => void) => void) {
    this.#later = later;
    this.#size = later === undefined ? slabBytes : lentBytes;
    this.#largestShared = later === undefined ? slabBytes : largestLent;
  }

  /** The bytes from `start` to `end` of the chunk. */
  copy(chunk: Uint8Array, start: number, end: number): Uint8Array {
    const size = end - start;
    if (size === 0) return new Uint8Array(0);
    const isHere = this.#chunk === chunk && start >= this.#copiedFrom && end <= this.#copiedTo;
    if (isHere && size <= this.#largestShared) {
      return new Uint8Array(this.#buffer, start + this.#shift, size);
    }
    if (size > ownBuffer) {
      const own = new Uint8Array(size);
      own.set(chunk.subarray(start, end));
      return own;
    }
    if (this.#used + size > this.#buffer.byteLength) {
      this.#nextSlab();
    }
    const until = Math.min(chunk.length, start + this.#buffer.byteLength - this.#used);
    this.#bytes.set(chunk.subarray(start, until), this.#used);
    this.#chunk = chunk;
    this.#copiedFrom = start;
    this.#copiedTo = until;
    this.#shift = this.#used - start;
    this.#used += until - start;
    return new Uint8Array(this.#buffer, start + this.#shift, size);
  }

  #nextSlab(): void {
    this.#buffer = this.#free.pop() ?? new ArrayBuffer(this.#size);
    this.#bytes = new Uint8Array(this.#buffer);
    this.#used = 0;
    if (this.#later !== undefined && this.#lent.push(this.#buffer) === 1) this.#later(this.#takeBack);
  }

  readonly #takeBack = (): void => {
    const lent = this.#lent;
    this.#lent = [];
    this.#used = this.#buffer.byteLength;
    for (const slab of lent) if (this.#free.length < mostKept) this.#free.push(slab);
  };

  /** The chunk goes back to its owner, who may write into it again. */
  release(): void {
    this.#chunk = undefined;
  }
}
