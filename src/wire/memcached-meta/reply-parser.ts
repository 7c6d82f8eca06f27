import { metaCode, MetaReply, wordsCode } from './meta-reply.ts';
import { ValueSlab } from './value-slab.ts';

/** Whoever takes the answers, in the order in which they came. */
export interface ReplySink {
  /**
   * One whole answer; the object is filled anew for the next one. Returns what is wrong with it (then nothing more is
   * read), or undefined.
   */
  answered(reply: MetaReply): string | undefined;
}

/** The longest line of an answer: the server's own lines stay far below. Beyond it, what talks is no memcached. */
export const longestLine = 2048;

/** The largest value: `-I` can be raised to 1 GiB and no further. */
export const largestValue: number = 2 ** 30;

const newline = 10;
const carriageReturn = 13;
const space = 32;
const digit0 = 48;
const digit9 = 57;
/** Up to here a number of decimal digits is exact, and cheaper than a piece of text. */
const exactDigits = 15;
/** Up to here it fits into 32 bits, which is cheaper to count up. */
const smallDigits = 9;

/**
 * Reads the server's side of the meta protocol from chunks that are cut anywhere. Bytes are counted, never searched for
 * the end of a value; `VA 0` has a block too; reply flags it does not know are skipped, codes it does not know are an
 * error. Once something was wrong the parser is of no more use: nobody can know where the next answer begins.
 *
 * Source: memcached's `doc/protocol.txt`, "Meta Commands".
 */
export class ReplyParser {
  readonly #sink: ReplySink;
  readonly #reply = new MetaReply();
  readonly #slab: ValueSlab;
  /** The begin of a line whose end is in a later chunk. */
  readonly #carry = new Uint8Array(longestLine);
  #carried = 0;
  /** A value of which a part is in a later chunk, and how much of it (with CR LF behind it) is here. */
  #value: Uint8Array | undefined;
  #received = 0;
  #size = 0;
  #problem: string | undefined;

  /** `slab`: where small values are copied to. */
  constructor(sink: ReplySink, slab: ValueSlab = new ValueSlab()) {
    this.#sink = sink;
    this.#slab = slab;
  }

  /** Takes the next chunk, which is the parser's only during the call. Returns what is wrong with the stream, if so. */
  push(chunk: Uint8Array): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    let position = 0;
    if (this.#value !== undefined) position = this.#continueValue(chunk, 0);
    else if (this.#carried > 0) position = this.#continueLine(chunk);
    while (position >= 0 && position < chunk.length) position = this.#next(chunk, position);
    this.#slab.release();
    return this.#problem;
  }

  /** Reads one answer, or what is there of it. Returns the position behind it, or -1 when something is wrong. */
  #next(chunk: Uint8Array, start: number): number {
    const end = this.#line(chunk, start, chunk.length);
    if (end > 0) return this.#afterLine(chunk, end);
    if (end < 0) return -1;
    const rest = chunk.length - start;
    if (rest >= longestLine) return this.#fail(`a line of more than ${longestLine} bytes`);
    this.#carry.set(chunk.subarray(start), 0);
    this.#carried = rest;
    return chunk.length;
  }

  #continueLine(chunk: Uint8Array): number {
    const at = chunk.indexOf(newline);
    const count = at < 0 ? chunk.length : at + 1;
    if (this.#carried + count > longestLine) return this.#fail(`a line of more than ${longestLine} bytes`);
    this.#carry.set(count === chunk.length ? chunk : chunk.subarray(0, count), this.#carried);
    this.#carried += count;
    if (at < 0) return count;
    const length = this.#carried;
    this.#carried = 0;
    const end = this.#line(this.#carry, 0, length);
    if (end < 0) return -1;
    return end === length ? this.#afterLine(chunk, count) : this.#fail('an empty line');
  }

  /** Behind a whole line: takes the value if there is one, and hands the answer over. */
  #afterLine(chunk: Uint8Array, position: number): number {
    const reply = this.#reply;
    if (reply.code !== metaCode.VA) return this.#answer(position);
    const end = position + this.#size;
    if (end + 2 > chunk.length) {
      this.#value = new Uint8Array(this.#size);
      this.#received = 0;
      return this.#continueValue(chunk, position);
    }
    if (chunk[end] !== carriageReturn || chunk[end + 1] !== newline)
      return this.#fail('a value of another size');
    reply.value = this.#slab.copy(chunk, position, end);
    return this.#answer(end + 2);
  }

  #continueValue(chunk: Uint8Array, start: number): number {
    const value = this.#value!;
    const size = value.length;
    let position = start;
    if (this.#received < size) {
      const count = Math.min(size - this.#received, chunk.length - position);
      value.set(chunk.subarray(position, position + count), this.#received);
      this.#received += count;
      position += count;
    }
    while (this.#received < size + 2) {
      if (position === chunk.length) return position;
      if (chunk[position++] !== (this.#received++ === size ? carriageReturn : newline)) {
        return this.#fail('a value of another size');
      }
    }
    this.#reply.value = value;
    this.#value = undefined;
    return this.#answer(position);
  }

  #answer(position: number): number {
    const problem = this.#sink.answered(this.#reply);
    this.#reply.value = undefined;
    return problem === undefined ? position : this.#fail(problem);
  }

  #fail(problem: string): number {
    this.#problem = problem;
    return -1;
  }

  /** Reads a line into the reply. Returns the position behind it, 0 if its end is not here, -1 when something is wrong. */
  #line(bytes: Uint8Array, start: number, limit: number): number {
    if (start + 3 > limit) return 0;
    const third = bytes[start + 2]!;
    if (third !== space && third !== carriageReturn) return this.#words(bytes, start, limit);
    const reply = this.#reply;
    const code = (bytes[start]! << 8) | bytes[start + 1]!;
    reply.code = code;
    reply.cas = '';
    reply.timeToLive = undefined;
    reply.size = undefined;
    reply.clientFlags = 0;
    reply.won = false;
    reply.lost = false;
    reply.stale = false;
    let at = start + 2;
    switch (code) {
      case metaCode.VA: {
        let size = 0;
        const first = ++at;
        for (; at < limit; at++) {
          const digit = bytes[at]!;
          if (digit < digit0 || digit > digit9) break;
          size = size * 10 + digit - digit0;
        }
        if (at === limit) return this.#cut(start, limit);
        if (at === first || at - first > 10 || size > largestValue) {
          return this.#fail(`a value of size '${text(bytes, first, Math.min(limit, first + 12))}'`);
        }
        this.#size = size;
        reply.size = size;
        break;
      }
      case metaCode.HD:
      case metaCode.EN:
      case metaCode.NF:
      case metaCode.NS:
      case metaCode.EX:
      case metaCode.OK:
        break;
      default:
        return this.#fail(`the code '${text(bytes, start, start + 2)}'`);
    }
    while (at < limit) {
      const byte = bytes[at++]!;
      if (byte === carriageReturn) {
        if (at === limit) break;
        return bytes[at] === newline ? at + 1 : this.#fail('a carriage return inside a line');
      }
      if (byte !== space) return this.#fail(`a line that goes on with '${text(bytes, at - 1, at)}'`);
      if (at === limit) break;
      at = this.#flag(bytes, at, limit);
      if (at < 0) return -1;
    }
    return this.#cut(start, limit);
  }

  /** The end of the line is not here. */
  #cut(start: number, limit: number): number {
    return limit - start >= longestLine ? this.#fail(`a line of more than ${longestLine} bytes`) : 0;
  }

  /** Reads one flag. Returns the position of the byte behind it (a space or CR), `limit` if the line is cut in it, -1 when it is wrong. */
  #flag(bytes: Uint8Array, start: number, limit: number): number {
    const reply = this.#reply;
    const letter = bytes[start]!;
    let at = start + 1;
    if (letter === 99 || letter === 116 || letter === 102 || letter === 115) {
      let number = 0;
      const minus = at < limit && bytes[at] === 45;
      if (minus) at++;
      const first = at;
      const small = first + smallDigits < limit ? first + smallDigits : limit;
      for (; at < small; at++) {
        const digit = bytes[at]!;
        if (digit < digit0 || digit > digit9) break;
        number = (number * 10 + digit - digit0) | 0;
      }
      if (at === small && at < limit) {
        let large = number;
        for (; at < limit; at++) {
          const digit = bytes[at]!;
          if (digit < digit0 || digit > digit9) break;
          large = large * 10 + digit - digit0;
        }
        number = large;
      }
      if (at === limit) return limit;
      const next = bytes[at]!;
      if (at === first || at - first > 20 || (next !== space && next !== carriageReturn)) {
        return this.#fail(`the flag '${text(bytes, start, Math.min(at + 1, limit))}'`);
      }
      if (letter === 99) reply.cas = at - first <= exactDigits ? String(number) : text(bytes, first, at);
      else if (letter === 116) reply.timeToLive = minus ? -number : number;
      else if (letter === 102) reply.clientFlags = number;
      else reply.size = number;
      return at;
    }
    if (letter === 87) reply.won = true;
    else if (letter === 90) reply.lost = true;
    else if (letter === 88) reply.stale = true;
    else if (letter === space || letter === carriageReturn) return start;
    while (at < limit && bytes[at] !== space && bytes[at] !== carriageReturn) {
      if (bytes[at] === newline) return this.#fail('a newline inside a flag');
      at++;
    }
    return at;
  }

  #words(bytes: Uint8Array, start: number, limit: number): number {
    let at = start;
    while (at < limit && bytes[at] !== newline) at++;
    if (at === limit) return this.#cut(start, limit);
    if (at === start || bytes[at - 1] !== carriageReturn)
      return this.#fail('a line that does not end in CR LF');
    this.#reply.code = wordsCode;
    this.#reply.words = text(bytes, start, at - 1);
    return at + 1;
  }
}

function text(bytes: Uint8Array, start: number, end: number): string {
  let result = '';
  for (let at = start; at < end; at++) result += String.fromCharCode(bytes[at]!);
  return result;
}
