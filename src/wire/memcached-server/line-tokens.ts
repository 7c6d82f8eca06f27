const space = 32;

/** More tokens than any command may have. */
const mostTokens = 32;

const digit0 = 48;
const largest64 = 2n ** 64n - 1n;

/** The words of one line: where each begins and ends in the line's bytes. One object for all lines. */
export class LineTokens {
  count = 0;
  readonly #starts = new Int32Array(mostTokens);
  readonly #ends = new Int32Array(mostTokens);
  #bytes: Buffer = Buffer.alloc(0);

  /** Takes a line apart, its end not included. What is beyond the most is left out. */
  read(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.count = 0;
    let at = start;
    while (this.count < mostTokens) {
      while (at < end && bytes[at] === space) at++;
      if (at === end) return;
      this.#starts[this.count] = at;
      while (at < end && bytes[at] !== space) at++;
      this.#ends[this.count++] = at;
    }
  }

  length(token: number): number {
    return this.#ends[token]! - this.#starts[token]!;
  }

  start(token: number): number {
    return this.#starts[token]!;
  }

  /** One byte of a token. */
  byte(token: number, place: number): number {
    return this.#bytes[this.#starts[token]! + place]!;
  }

  /** A token as Latin-1 from one of its places on. */
  text(token: number, from = 0): string {
    return this.#bytes.toString('latin1', this.#starts[token]! + from, this.#ends[token]);
  }

  /** The last word of the line, at this place or later, is `noreply`: read so also where the rest makes no sense. */
  saysNoReply(least = 1): boolean {
    return this.count > least && this.length(this.count - 1) === 7 && this.text(this.count - 1) === 'noreply';
  }

  /** A whole number with or without sign, from a place in the token on; NaN for anything else and outside of the range. */
  integer(token: number, from: number, least: number, most: number): number {
    let at = this.#starts[token]! + from;
    const end = this.#ends[token]!;
    const sign = this.#bytes[at]!;
    if (sign === 45 || sign === 43) at++;
    if (at >= end || end - at > 15) return Number.NaN;
    let number = 0;
    for (; at < end; at++) {
      const digit = this.#bytes[at]! - digit0;
      if (digit < 0 || digit > 9) return Number.NaN;
      number = number * 10 + digit;
    }
    if (sign === 45) number = -number;
    return number >= least && number <= most ? number : Number.NaN;
  }

  /** A time as the server takes it: 32 bits with sign. */
  time(token: number, from = 0): number {
    return this.integer(token, from, -2_147_483_648, 2_147_483_647);
  }

  /** Client flags: 32 bits without sign. */
  flags(token: number, from = 0): number {
    return this.integer(token, from, 0, 4_294_967_295);
  }

  /** The size of a value. */
  size(token: number): number {
    return this.integer(token, 0, 0, 2_147_483_645);
  }

  /** A number of 64 bits without sign. */
  large(token: number, from = 0): bigint | undefined {
    const digits = this.length(token) - from;
    if (digits < 1 || digits > 20) return undefined;
    for (let place = from; place < from + digits; place++) {
      const digit = this.byte(token, place) - digit0;
      if (digit < 0 || digit > 9) return undefined;
    }
    const number = BigInt(this.text(token, from));
    return number > largest64 ? undefined : number;
  }
}
