const carriageReturn = 13;
const newline = 10;

/** A value has no more room than this beyond what has come of it: a client that only announces one takes no memory. */
const roomAhead = 65_536;

/** A value of which a part is in a later chunk, with the CR LF behind it. */
export class IncomingValue {
  #bytes: Uint8Array;
  readonly #size: number;
  #received = 0;

  constructor(size: number) {
    this.#size = size;
    this.#bytes = new Uint8Array(Math.min(size, roomAhead));
  }

  /** Takes what is there of it; returns the position behind that. */
  take(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#received < this.#size) {
      const count = Math.min(this.#size - this.#received, chunk.length - at);
      this.#grow(this.#received + count);
      this.#bytes.set(chunk.subarray(at, at + count), this.#received);
      this.#received += count;
      at += count;
    }
    while (this.#received < this.#size + 2 && at < chunk.length) {
      if (chunk[at] !== (this.#received === this.#size ? carriageReturn : newline)) {
        this.#received = Number.NaN;
        return at;
      }
      this.#received++;
      at++;
    }
    return at;
  }

  /** Whether all of it is here. */
  get whole(): boolean {
    return this.#received === this.#size + 2;
  }

  /** It does not end where it was to end. */
  get wrong(): boolean {
    return Number.isNaN(this.#received);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  #grow(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#size, Math.max(needed, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#received));
    this.#bytes = grown;
  }
}
