import { blockBeginBytes, entryHeaderBytes, headerBytes } from './snapshot-layout.ts';

/** A block is written when it has reached this size: bytes. */
const full = 65_536;

/** One entry of a block. Lengths of time in milliseconds, as the layout has them. */
export interface SavedEntry {
  readonly cache: number;
  readonly age: number;
  readonly due: number;
  readonly confirmed: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A block of entries in the making. It is used again after it was written. */
export class EntryBlock {
  readonly kind: number;
  /** When it was begun, on the monotonic clock. */
  begun = 0;
  #bytes: Buffer = Buffer.allocUnsafeSlow(2 * full);
  #length = 0;

  constructor(kind: number) {
    this.kind = kind;
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  get full(): boolean {
    return this.#length >= full;
  }

  /** `from`: milliseconds since the save began. */
  begin(now: number, from: number): void {
    this.begun = now;
    this.#bytes.writeDoubleBE(from, headerBytes);
    this.#length = headerBytes + blockBeginBytes;
  }

  add(entry: SavedEntry): void {
    const { key, value } = entry;
    let at = this.#length;
    this.#reserve(at + entryHeaderBytes + key.length + value.length);
    const bytes = this.#bytes;
    at = bytes.writeUInt16BE(entry.cache, at);
    for (const number of [entry.age, entry.due, entry.confirmed, key.length, value.length])
      at = bytes.writeUInt32BE(number, at);
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    this.#length = at + key.length + value.length;
  }

  /** Room for the header, and the content: good until the next entry. The block is empty then. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    // A single large value must not keep its memory for the rest of the save.
    if (this.#bytes.length > 4 * full) this.#bytes = Buffer.allocUnsafeSlow(2 * full);
    return taken;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(length);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** The entries of a block's content, the one after the other. Throws for lengths that do not fit. */
export function* entriesOf(content: Buffer): Generator<SavedEntry> {
  let at = blockBeginBytes;
  while (at < content.length) {
    const keyAt = at + entryHeaderBytes;
    const keyLength = content.readUInt32BE(at + 14);
    const valueAt = keyAt + keyLength;
    const end = valueAt + content.readUInt32BE(at + 18);
    if (end > content.length) throw new RangeError('an entry does not fit into its block');
    yield {
      cache: content.readUInt16BE(at),
      age: content.readUInt32BE(at + 2),
      due: content.readUInt32BE(at + 6),
      confirmed: content.readUInt32BE(at + 10),
      key: content.subarray(keyAt, valueAt),
      value: content.subarray(valueAt, end),
    };
    at = end;
  }
}

/** When the block was begun, in milliseconds from the beginning of the save. */
export function beginOf(content: Buffer): number {
  return content.readDoubleBE(0);
}
