/** Values from this size on are handed to the socket as they are; smaller ones are cheaper to copy than to list, and may be lent: see `core/lending`. */
const ownPart = 32_768;
const leastBlock = 16_384;
const mostBlock = 1_048_576;

const carriageReturn = 13;
const newline = 10;
const digit0 = 48;
const space = 32;
const billion = 1_000_000_000;
const billionDigits = 9;

/** Gathers answers into as few parts as a socket can write at once. What a socket may still read is not written over. */
export class ReplyWriter {
  #parts: Uint8Array[] = [];
  #block = new Uint8Array(0);
  /** Where the current part begins in the block, and where it ends so far. */
  #begin = 0;
  #at = 0;
  #taken = 0;
  #size = 0;

  /** Bytes since the last `take`. */
  get size(): number {
    return this.#size + this.#at - this.#begin;
  }

  /** Latin-1. */
  text(text: string): void {
    const { length } = text;
    this.#room(length);
    const block = this.#block;
    let at = this.#at;
    for (let index = 0; index < length; index++) block[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  /** A whole number, 0 or more and below 10^18, in decimal. */
  number(number: number): void {
    if (number < billion) {
      let digits = 1;
      for (let least = 10; digits < billionDigits && number >= least; least *= 10) digits++;
      this.#digits(number, digits);
    } else {
      const billions = Math.floor(number / billion);
      this.number(billions);
      this.#digits(number - billions * billion, billionDigits);
    }
  }

  /** So many digits, at most nine: in integers of 32 bits, which are cheaper. */
  #digits(number: number, digits: number): void {
    this.#room(billionDigits);
    const block = this.#block;
    const end = this.#at + digits;
    let rest = number | 0;
    for (let at = end - 1; at >= this.#at; at--) {
      const higher = (rest / 10) | 0;
      block[at] = digit0 + rest - higher * 10;
      rest = higher;
    }
    this.#at = end;
  }

  /** A space, a letter and what stands behind it. */
  flag(letter: number, text: string): void {
    const { length } = text;
    this.#room(length + 2);
    const block = this.#block;
    let at = this.#at;
    block[at++] = space;
    block[at++] = letter;
    for (let index = 0; index < length; index++) block[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  /** The same for a number. */
  numberFlag(letter: number, number: number): void {
    this.#room(2);
    this.#block[this.#at++] = space;
    this.#block[this.#at++] = letter;
    this.number(number);
  }

  /** A space and a letter. */
  mark(letter: number): void {
    this.#room(2);
    this.#block[this.#at++] = space;
    this.#block[this.#at++] = letter;
  }

  lineEnd(): void {
    this.#room(2);
    this.#block[this.#at++] = carriageReturn;
    this.#block[this.#at++] = newline;
  }

  /** A value, with its line end. A large one must stay as it is until it is sent. */
  value(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length >= ownPart) {
      this.#endPart();
      this.#parts.push(bytes);
      this.#size += length;
    } else {
      this.#room(length + 2);
      this.#block.set(bytes, this.#at);
      this.#at += length;
    }
    this.lineEnd();
  }

  /** All that was written since the last call. */
  take(): readonly Uint8Array[] {
    this.#endPart();
    const parts = this.#parts;
    this.#taken = this.#size;
    this.#parts = [];
    this.#size = 0;
    return parts;
  }

  /** All that was ever taken has left the process: its memory may be used again. */
  sent(): void {
    if (this.#begin === this.#at) this.#begin = this.#at = 0;
  }

  #room(bytes: number): void {
    if (this.#at + bytes > this.#block.length) this.#nextBlock(bytes);
  }

  /** The block has room for more than the last batch had, and what is in the current part stays in one piece. */
  #nextBlock(bytes: number): void {
    this.#endPart();
    const wanted = 2 * Math.max(this.#taken, this.#size);
    this.#block = new Uint8Array(Math.max(bytes, Math.min(mostBlock, Math.max(leastBlock, wanted))));
    this.#begin = this.#at = 0;
  }

  #endPart(): void {
    if (this.#begin < this.#at) {
      this.#parts.push(this.#block.subarray(this.#begin, this.#at));
      this.#size += this.#at - this.#begin;
    }
    this.#begin = this.#at;
  }
}
