import { CisternError } from '../../core/error.ts';
import type { StoreKey } from '../../core/key.ts';
import { longestLife, type Life } from '../../core/store.ts';
import { applySteps, undoSteps, type AppliedSteps, type CodecStep } from './codec-step.ts';
import type { Codec } from './codec.ts';

/**
 * An entry in a shared tier: what the store must carry besides the value.
 *
 * ```text
 * magic 0xc5 | version 1 | number of steps | their ids, in order | body, as the steps left it
 * body: flags | fresh | stale | load | [ length, key ] | [ codec | value ]
 * ```
 *
 * `flags`: 1 negative, 2 the full key is there (only its hash is in the store's key). `fresh`, `stale`: the life as sent,
 * in whole milliseconds; `load`: how long the loader took, in microseconds; all three, and `length`, as LEB128 numbers.
 * `codec`: the FNV-1a hash of its name, 32 bits, big endian. The steps cover all of the body, so a step that authenticates
 * covers the life and the negative flag too. There is no checksum: TCP has one, and damage that keeps the form is not noticed.
 */
export interface EntryContent {
  /** The source says that there is nothing. */
  readonly negative: boolean;
  /** Ignored, and read as undefined, if negative. */
  readonly value: unknown;
  /** Kept as whole milliseconds, from 0 to `longestLife` each. */
  readonly life: Life;
  /** Kept to a microsecond. */
  readonly loadMilliseconds: number;
}

export interface EntryFormat {
  /** For messages. */
  readonly cache: string;
  readonly codec: Codec;
  /** As `checkSteps` lets them through. */
  readonly steps: readonly CodecStep[];
  /** The option 'maxValueBytes': bounds the entry as it is stored, and before and after each step. */
  readonly maxBytes: number;
}

const magic = 0xc5;
const version = 1;
const negativeFlag = 1;
const hashedFlag = 2;

/** Flags, three numbers of at most 8 bytes (up to 2^53), the length of the key, the codec. */
const mostFixedBytes = 1 + 3 * 8 + 8 + 4;
const outerBytes = 3;

/**
 * Throws `CISTERN_UNSTORABLE` for a value that the codec refuses (with the path to what it refuses) or a step fails on, and
 * `CISTERN_TOO_LARGE` for one over `maxBytes`.
 */
export function encodeEntry(content: EntryContent, key: StoreKey, format: EntryFormat): Uint8Array {
  const { maxBytes, steps } = format;
  const value = content.negative ? undefined : encodeValue(content.value, format);
  const hashed = key.hashed ?? '';
  // Not from the pool of small buffers: a store that keeps the entry would keep all of the pool's 8 KB with it.
  const entry = Buffer.allocUnsafeSlow(outerBytes + mostFixedBytes + hashed.length + (value?.length ?? 0));
  let at = outerBytes;
  entry[at++] = (content.negative ? negativeFlag : 0) | (key.hashed === undefined ? 0 : hashedFlag);
  at = writeNumber(entry, at, Math.min(content.life.freshFor, longestLife));
  at = writeNumber(entry, at, Math.min(content.life.staleFor, longestLife));
  at = writeNumber(entry, at, content.loadMilliseconds * 1000);
  if (key.hashed !== undefined) {
    at = writeNumber(entry, at, hashed.length);
    at += entry.write(hashed, at, 'latin1');
  }
  if (value !== undefined) {
    at = entry.writeUInt32BE(codecId(format.codec.name), at);
    entry.set(value, at);
    at += value.length;
  }
  checkSize(at, maxBytes);
  entry[0] = magic;
  entry[1] = version;
  entry[2] = 0;
  if (steps.length === 0) return entry.subarray(0, at);

  const { bytes, ids } = transform(entry.subarray(outerBytes, at), key, format);
  if (ids.length === 0) return entry.subarray(0, at);
  const stored = Buffer.allocUnsafeSlow(outerBytes + ids.length + bytes.length);
  stored[0] = magic;
  stored[1] = version;
  stored[2] = ids.length;
  stored.set(ids, outerBytes);
  stored.set(bytes, outerBytes + ids.length);
  checkSize(stored.length, maxBytes);
  return stored;
}

function encodeValue(value: unknown, { cache, codec }: EntryFormat): Uint8Array {
  let bytes: unknown;
  try {
    bytes = codec.encode(value);
  } catch (error) {
    if (error instanceof CisternError && error.code === 'CISTERN_UNSTORABLE') {
      const { path, problem } = (error as CisternError<'CISTERN_UNSTORABLE'>).details;
      throw new CisternError('CISTERN_UNSTORABLE', { cache, path, problem }, error.cause);
    }
    throw unstorable(cache, `made codec '${codec.name}' throw`, error);
  }
  if (!(bytes instanceof Uint8Array)) {
    // An async codec is refused; what it may reject with must not go unhandled.
    if (bytes instanceof Promise) bytes.catch(() => undefined);
    throw unstorable(cache, `made codec '${codec.name}' answer no bytes`);
  }
  return bytes;
}

function transform(body: Uint8Array, key: StoreKey, { cache, steps, maxBytes }: EntryFormat): AppliedSteps {
  try {
    return applySteps(body, steps, key.key, maxBytes);
  } catch (error) {
    if (error instanceof CisternError && error.code === 'CISTERN_TOO_LARGE') throw error;
    throw unstorable(cache, 'made a codec step throw', error);
  }
}

function unstorable(cache: string, problem: string, cause?: unknown): CisternError<'CISTERN_UNSTORABLE'> {
  const reason = cause instanceof Error ? ` (${cause.message})` : '';
  return new CisternError('CISTERN_UNSTORABLE', { cache, path: 'value', problem: problem + reason }, cause);
}

function checkSize(bytes: number, limit: number): void {
  if (bytes > limit) {
    throw new CisternError('CISTERN_TOO_LARGE', { what: 'An entry', bytes, limit, option: 'maxValueBytes' });
  }
}

/**
 * Throws `CISTERN_CODEC`, and nothing else, for what is not an entry of this format under this key: foreign bytes, another
 * version or codec, unknown steps, more than `maxBytes` out of a step, another key behind the same hash. Keeps nothing of `bytes`.
 */
export function decodeEntry(bytes: Uint8Array, key: StoreKey, format: EntryFormat): EntryContent {
  try {
    return readEntry(bytes, key, format);
  } catch (error) {
    if (error instanceof CisternError && error.code === 'CISTERN_CODEC') throw error;
    const problem = error instanceof Error ? error.message : 'the codec threw what is no error';
    throw new CisternError('CISTERN_CODEC', { problem }, error);
  }
}

function readEntry(bytes: Uint8Array, key: StoreKey, format: EntryFormat): EntryContent {
  const { codec, maxBytes, steps } = format;
  if (bytes.length > maxBytes) {
    throw new Error(`it takes ${bytes.length} bytes, and at most ${maxBytes} are allowed ('maxValueBytes')`);
  }
  if (bytes[0] !== magic) throw new Error('it is not an entry of Cistern');
  if (bytes[1] !== version) throw new Error(`it has format ${bytes[1]}, and this is format ${version}`);
  const stepsEnd = outerBytes + bytes[2]!;
  // Also catches an entry that ends here, where the number of steps is undefined and the comparison false.
  if (!(stepsEnd < bytes.length)) throw cutOff();

  let body = bytes.subarray(stepsEnd);
  if (stepsEnd > outerBytes || steps.length > 0) {
    body = undoSteps(body, bytes.subarray(outerBytes, stepsEnd), steps, key.key, maxBytes);
  }
  const reader = new NumberReader(body);
  const flags = reader.byte();
  if (flags > (negativeFlag | hashedFlag)) throw new Error('it has unknown flags');
  const life = { freshFor: reader.number(), staleFor: reader.number() };
  if (life.freshFor > longestLife || life.staleFor > longestLife) throw new Error('it lives too long');
  const loadMilliseconds = reader.number() / 1000;
  checkKey(reader, (flags & hashedFlag) !== 0, key);
  if ((flags & negativeFlag) !== 0) {
    if (reader.at !== body.length) throw new Error('it is negative, but has a value');
    return { negative: true, value: undefined, life, loadMilliseconds };
  }
  const id = ((reader.byte() << 24) | (reader.byte() << 16) | (reader.byte() << 8) | reader.byte()) >>> 0;
  if (id !== codecId(codec.name)) throw new Error(`it was not written by codec '${codec.name}'`);
  return { negative: false, value: codec.decode(body.subarray(reader.at)), life, loadMilliseconds };
}

function checkKey(reader: NumberReader, hashed: boolean, key: StoreKey): void {
  if (hashed !== (key.hashed !== undefined)) throw otherKey();
  if (key.hashed === undefined) return;
  if (reader.number() !== key.hashed.length) throw otherKey();
  for (let index = 0; index < key.hashed.length; index++) {
    if (reader.byte() !== key.hashed.charCodeAt(index)) throw otherKey();
  }
}

function otherKey(): Error {
  return new Error('it belongs to another key with the same hash');
}

function cutOff(): Error {
  return new Error('it is cut off');
}

/** LEB128: seven bits a byte, the lowest first. Multiplies instead of shifting, which would end at 32 bits. */
class NumberReader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    if (this.at >= this.#bytes.length) throw cutOff();
    return this.#bytes[this.at++]!;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new Error('it has a number that is too large');
  }
}

/** Rounds; everything below 0, and NaN, is 0. At most 8 bytes. */
function writeNumber(into: Buffer, start: number, value: number): number {
  let rest = value > 0 ? Math.min(Math.round(value), Number.MAX_SAFE_INTEGER) : 0;
  let at = start;
  while (rest >= 0x80) {
    into[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  into[at++] = rest;
  return at;
}

let lastName = '';
let lastId = 0;

function codecId(name: string): number {
  if (name === lastName) return lastId;
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  lastName = name;
  lastId = hash >>> 0;
  return lastId;
}
