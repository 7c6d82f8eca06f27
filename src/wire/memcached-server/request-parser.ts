import { ValueSlab } from '../memcached-meta/value-slab.ts';
import { decodeKey, isPrintable } from './base64-key.ts';
import { IncomingValue } from './incoming-value.ts';
import { KeyStream } from './key-stream.ts';
import { LineCache } from './line-cache.ts';
import { type GetHead, LineReader } from './line-reader.ts';
import {
  type Command,
  complaints,
  errorLine,
  lastErrorLine,
  longestClientKey,
  RequestLine,
} from './request-line.ts';

/** One request, as it came. It is filled anew for the next one; the value alone is handed over for good. */
export class Received {
  line: RequestLine = new RequestLine('error');
  /** The key as it was written, Latin-1; `''` where the command has none. */
  token = '';
  /** The bytes of the key, Latin-1: the same unless it was written in base64. */
  key = '';
  /** The key is of printable ASCII alone. */
  printable = true;
  /** Undefined where the line tells of one: it is larger than allowed, and is skipped. */
  value: Uint8Array | undefined = undefined;
}

/** Whoever takes the requests, in the order in which they came. */
export interface RequestSink {
  requested(request: Received): void;
  /** Nothing more should be read for now. Asked after each request. */
  readonly full: boolean;
}

/** The longest line, its end not included. Only `get` and its kin may be longer; at any other the parser gives up, as memcached does. */
export const longestRequestLine = 2048;

const newline = 10;
const carriageReturn = 13;
const space = 32;
const endLine = new RequestLine('end');

/**
 * Reads the client's side of memcached's protocols, meta and classic, from chunks that are cut anywhere. Bounded: it keeps one
 * line, one key or one value that is not whole yet. Where the place of the next request is unknown it ends for good, so that
 * no value is ever taken for a command.
 *
 * Source: memcached's `doc/protocol.txt`; 1.6.18 on the wire for what is wrong.
 */
export class RequestParser {
  readonly #sink: RequestSink;
  readonly #largestValue: number;
  readonly #received = new Received();
  readonly #reader = new LineReader();
  readonly #cache = new LineCache();
  readonly #slab = new ValueSlab();
  /** The begin of a line whose end is in a later chunk, or a line whose keys are still to be read. */
  #carry: Buffer | undefined;
  #carried = 0;
  #carryAt = 0;
  #keys: KeyStream | undefined;
  #value: IncomingValue | undefined;
  /** Bytes to skip, CR LF included, and the last of them that came. */
  #skip = 0;
  #skipped = 0;
  /** Everything up to the end of the line is skipped. */
  #skipLine = false;
  #over = false;

  /** `largestValue`: larger ones are skipped. */
  constructor(sink: RequestSink, largestValue: number) {
    this.#sink = sink;
    this.#largestValue = largestValue;
  }

  /** Nothing is read any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Inside of a request. */
  get midway(): boolean {
    return this.#carried > 0 || this.#value !== undefined || this.#skip > 0 || this.#keys !== undefined;
  }

  /**
   * Takes the chunk from a position on, for the time of the call. Returns the position behind what was read: the rest, if any,
   * is to be handed over again, also an empty one, once the sink is not full any more.
   */
  push(chunk: Uint8Array, start: number): number {
    const bytes = bufferOf(chunk);
    const limit = bytes.length;
    let at = start;
    while (!this.#over && !this.#sink.full && (at < limit || this.#carryAt < this.#carried)) {
      if (this.#keys !== undefined) at = this.#readKeys(this.#keys, bytes, at);
      else if (this.#value !== undefined) at = this.#continueValue(this.#value, bytes, at);
      else if (this.#skip > 0) at = this.#continueSkip(bytes, at);
      else if (this.#skipLine) at = this.#continueSkipLine(bytes, at);
      else if (this.#carried > 0) {
        if (at === limit) break;
        at = this.#continueLine(bytes, at);
      } else at = this.#nextLine(bytes, at, limit);
    }
    this.#slab.release();
    return at;
  }

  /** Reads a line, or keeps what is there of it. Returns the position behind it. */
  #nextLine(bytes: Buffer, start: number, limit: number): number {
    const end = this.#scan(bytes, start, limit);
    if (end >= 0) return end;
    const count = Math.min(limit - start, longestRequestLine + 1);
    this.#carry ??= Buffer.allocUnsafeSlow(longestRequestLine + 2);
    bytes.copy(this.#carry, 0, start, start + count);
    this.#carried = this.#carryAt = count;
    if (count > longestRequestLine) this.#endless();
    return start + count;
  }

  #continueLine(bytes: Buffer, start: number): number {
    const newlineAt = bytes.indexOf(newline, start);
    const end = newlineAt < 0 ? bytes.length : newlineAt + 1;
    const room = longestRequestLine + 1 - this.#carried;
    const tooLong = (newlineAt < 0 ? end : newlineAt) - start >= room;
    const count = tooLong ? room : end - start;
    const carry = this.#carry!;
    bytes.copy(carry, this.#carried, start, start + count);
    this.#carried += count;
    this.#carryAt = this.#carried;
    if (tooLong) this.#endless();
    else if (newlineAt >= 0) {
      const length = this.#carried;
      this.#carried = this.#carryAt = 0;
      const behind = this.#scan(carry, 0, length);
      // Keys that are still to be read lie in what was carried; so does nothing else.
      if (behind < length) {
        this.#carryAt = behind;
        this.#carried = length;
      }
    }
    return start + count;
  }

  /** A line that is longer than any but one with many keys. */
  #endless(): void {
    const carry = this.#carry!;
    const head = this.#reader.readGet(carry, 0, this.#carried, false);
    if (head === undefined) {
      this.#carried = this.#carryAt = 0;
      this.#complain(lastErrorLine(''));
    } else if (head instanceof RequestLine) {
      this.#carried = this.#carryAt = 0;
      this.#skipLine = true;
      this.#complain(head);
    } else {
      this.#keys = new KeyStream(head.command, head.timeToLive);
      this.#carryAt = head.keys;
    }
  }

  /**
   * Takes the line at `start`. Returns the position behind it, or where its keys begin if they are read one by one; -1 when its
   * end is not here, or too far away.
   */
  #scan(bytes: Buffer, start: number, limit: number): number {
    let at = start;
    let hash = 0;
    while (at < limit && bytes[at] === space) at++;
    const headStart = at;
    for (; at < limit; at++) {
      const byte = bytes[at]!;
      if (byte === space || byte === newline) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const headEnd = at;
    while (at < limit && bytes[at] === space) at++;
    const keyStart = at;
    let printable = true;
    for (; at < limit; at++) {
      const byte = bytes[at]!;
      if (byte > space && byte < 127) continue;
      if (byte === space || byte === newline) break;
      if (byte !== carriageReturn || at + 1 === limit || bytes[at + 1] !== newline) printable = false;
      else break;
    }
    const keyEnd = at;
    for (; at < limit; at++) {
      const byte = bytes[at]!;
      if (byte === newline) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (at === limit || at - start > longestRequestLine) return -1;
    const behind = at + 1;
    if (keyEnd > keyStart && keyEnd - keyStart <= longestClientKey) {
      const known = this.#cache.find(hash, bytes, headStart, headEnd, keyEnd, behind);
      if (known !== undefined) {
        this.#name(bytes, keyStart, keyEnd, printable);
        return this.#accept(known, bytes, behind, limit);
      }
    }
    const end = at > start && bytes[at - 1] === carriageReturn ? at - 1 : at;
    const get = this.#reader.readGet(bytes, start, end, true);
    if (get !== undefined && !(get instanceof RequestLine)) return this.#startKeys(get);
    const line = get ?? this.#reader.read(bytes, start, end);
    if (line.keyed && line.opaque === '' && keyEnd > keyStart) {
      this.#cache.keep(
        hash,
        bytes.subarray(headStart, headEnd).slice(),
        bytes.subarray(keyEnd, behind).slice(),
        line,
      );
    }
    this.#name(bytes, keyStart, keyEnd, printable);
    return this.#accept(line, bytes, behind, limit);
  }

  #name(bytes: Buffer, start: number, end: number, printable: boolean): void {
    const received = this.#received;
    received.token = received.key = bytes.toString('latin1', start, end);
    received.printable = printable;
  }

  /** A request whose line and key are known: takes its value, if it has one. Returns the position behind it. */
  #accept(line: RequestLine, bytes: Buffer, behind: number, limit: number): number {
    const received = this.#received;
    received.line = line;
    received.value = undefined;
    if (line.base64 && !this.#decode()) return this.#skipFrom(behind, line.bytes);
    if (line.bytes < 0) {
      this.#request();
      return behind;
    }
    if (line.command === 'error' || line.bytes > this.#largestValue) {
      this.#request();
      return this.#skipFrom(behind, line.bytes);
    }
    const end = behind + line.bytes;
    if (end + 2 <= limit) {
      if (bytes[end] !== carriageReturn || bytes[end + 1] !== newline) return this.#wrongValue(limit);
      received.value = this.#slab.copy(bytes, behind, end);
      this.#request();
      return end + 2;
    }
    const value = new IncomingValue(line.bytes);
    this.#value = value;
    return behind < limit ? this.#continueValue(value, bytes, behind) : behind;
  }

  #continueValue(value: IncomingValue, bytes: Buffer, start: number): number {
    const at = value.take(bytes, start);
    if (value.wrong) return this.#wrongValue(at);
    if (value.whole) {
      this.#value = undefined;
      this.#received.value = value.bytes;
      this.#request();
    }
    return at;
  }

  /** The value does not end where its line says: nobody knows which of the two is right. */
  #wrongValue(at: number): number {
    this.#value = undefined;
    this.#complain(lastErrorLine(complaints.value));
    return at;
  }

  #skipFrom(behind: number, bytes: number): number {
    if (bytes >= 0) this.#skip = bytes + 2;
    this.#skipped = 0;
    return behind;
  }

  #continueSkip(bytes: Buffer, start: number): number {
    const count = Math.min(this.#skip, bytes.length - start);
    const at = start + count;
    // The last two bytes, which may come one by one.
    if (count > 1) this.#skipped = bytes[at - 2]!;
    const before = this.#skipped;
    this.#skipped = bytes[at - 1]!;
    this.#skip -= count;
    if (this.#skip === 0 && (before !== carriageReturn || this.#skipped !== newline)) {
      return this.#wrongValue(at);
    }
    return at;
  }

  #continueSkipLine(bytes: Buffer, start: number): number {
    const end = bytes.indexOf(newline, start);
    if (end < 0) return bytes.length;
    this.#skipLine = false;
    return end + 1;
  }

  #startKeys(head: GetHead): number {
    this.#keys = new KeyStream(head.command, head.timeToLive);
    return head.keys;
  }

  /** Reads one more key of a `get`, from what was carried first. */
  #readKeys(keys: KeyStream, bytes: Buffer, start: number): number {
    let at = start;
    if (this.#carryAt < this.#carried) {
      this.#carryAt = keys.read(this.#carry!, this.#carryAt, this.#carried);
      if (this.#carryAt === this.#carried) this.#carried = this.#carryAt = 0;
    } else at = keys.read(bytes, start, bytes.length);
    const { key } = keys;
    if (key !== undefined) {
      const received = this.#received;
      received.line = keys.line;
      received.token = received.key = key;
      received.printable = isPrintable(key);
      received.value = undefined;
      this.#request();
    }
    if (keys.wrong) this.#complain(errorLine(complaints.format));
    else if (keys.done) this.#complain(endLine);
    else return at;
    this.#skipLine = !keys.done;
    this.#keys = undefined;
    this.#carried = this.#carryAt = 0;
    return at;
  }

  /** Whether the key can be read; if not, that has been answered. */
  #decode(): boolean {
    const received = this.#received;
    const { command } = received.line;
    const key = decodeKey(received.token);
    if (key === undefined) {
      this.#complain(errorLine(wordsForBase64(command)));
      return false;
    }
    received.key = key;
    received.printable = isPrintable(key);
    return true;
  }

  /** An answer without a request. */
  #complain(line: RequestLine): void {
    const received = this.#received;
    received.line = line;
    received.token = received.key = '';
    received.value = undefined;
    this.#request();
  }

  #request(): void {
    const received = this.#received;
    if (received.line.closes) this.#over = true;
    this.#sink.requested(received);
    received.value = undefined;
  }
}

function wordsForBase64(command: Command): string {
  if (command === 'me') return complaints.format;
  return command === 'md' || command === 'ma' ? complaints.flagOrDuplicate : complaints.base64;
}

function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}
