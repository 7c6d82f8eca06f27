const chunkBits = 16;
const chunkMask = (1 << chunkBits) - 1;

type Numbers = Int32Array | Uint8Array | Float64Array;

/** A list of numbers that grows without copying. */
export class GrowingNumbers<A extends Numbers> {
  length = 0;
  readonly #make: new (length: number) => A;
  readonly #chunks: A[] = [];

  constructor(make: new (length: number) => A) {
    this.#make = make;
  }

  push(value: number): void {
    if ((this.length & chunkMask) === 0) this.#chunks.push(new this.#make(chunkMask + 1));
    this.#chunks[this.length >>> chunkBits]![this.length & chunkMask] = value;
    this.length++;
  }

  at(index: number): number {
    return this.#chunks[index >>> chunkBits]![index & chunkMask]!;
  }

  set(index: number, value: number): void {
    this.#chunks[index >>> chunkBits]![index & chunkMask] = value;
  }

  /** Cuts the list, and lets its memory go. */
  truncate(length: number): void {
    this.length = length;
    this.#chunks.length = (length + chunkMask) >>> chunkBits;
  }

  /** Keeps what stands at the indexes that pass, in their order. */
  filter(passes: (index: number) => boolean): void {
    let kept = 0;
    for (let index = 0; index < this.length; index++) if (passes(index)) this.set(kept++, this.at(index));
    this.truncate(kept);
  }

  /** The list in one piece. */
  flat(): A {
    const flat = new this.#make(this.length);
    for (const [index, chunk] of this.#chunks.entries()) {
      const from = index << chunkBits;
      flat.set(chunk.subarray(0, this.length - from), from);
    }
    return flat;
  }
}
