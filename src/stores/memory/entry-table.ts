/** What the memory store keeps under one key: a value, or the placeholder of somebody who won the right to fill it. */
export class Entry {
  readonly key: string;
  value: Uint8Array;
  flags: number;
  /** The share of the life in which the entry is served stale, as it was stored; kept when the life is changed. */
  staleFor: number;
  /** When it ends, on the monotonic clock. */
  expires: number;
  cas = 0;
  /** False: a placeholder. */
  filled: boolean;
  /** Marked stale by a delete. */
  marked = false;
  /** Somebody has the right to fill or reload it. */
  claimed = false;
  newer: Entry = this;
  older: Entry = this;

  constructor(
    key: string,
    value: Uint8Array,
    flags: number,
    staleFor: number,
    expires: number,
    filled: boolean,
  ) {
    this.key = key;
    this.value = value;
    this.flags = flags;
    this.staleFor = staleFor;
    this.expires = expires;
    this.filled = filled;
  }
}

/** What an entry takes besides its key's characters and its value: objects, numbers, its place in the index. Measured on Node 24: 386 to 407 bytes of heap. */
export const entryOverhead = 400;

/** Entries per part of the index on average: a `Map` of this size grows in well under 5 ms, one of a million stops the process for 90. */
const segmentEntries = 8192;

/**
 * All entries of a memory store: an index in segments, and one list in the order of use. Bounded in bytes: what was used
 * longest ago makes room. Every step takes constant time.
 */
export class EntryTable {
  readonly maxBytes: number;
  readonly #segments: (Map<string, Entry> | undefined)[];
  /** Ring: `older` of the end is the one used last, `newer` of it the one used longest ago. */
  readonly #end = new Entry('', new Uint8Array(), 0, 0, 0, false);
  #size = 0;
  #bytes = 0;
  #sweepSegment = 0;
  #sweepPlace: Iterator<Entry> | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    const wanted = maxBytes / entryOverhead / segmentEntries;
    this.#segments = Array.from({ length: 2 ** Math.max(0, Math.ceil(Math.log2(wanted))) }, () => undefined);
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes taken, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many entries each part of the index has. */
  get segmentSizes(): readonly number[] {
    return this.#segments.map((segment) => segment?.size ?? 0);
  }

  /** How much room an entry needs. */
  static bytesOf(key: string, valueLength: number): number {
    return entryOverhead + key.length + valueLength;
  }

  find(key: string): Entry | undefined {
    return this.#segments[this.#segmentOf(key)]?.get(key);
  }

  /** Puts in an entry whose key is not there yet. It must fit `maxBytes`. */
  add(entry: Entry): void {
    const index = this.#segmentOf(entry.key);
    (this.#segments[index] ??= new Map<string, Entry>()).set(entry.key, entry);
    this.#link(entry);
    this.#size++;
    this.#grow(EntryTable.bytesOf(entry.key, entry.value.length));
  }

  remove(entry: Entry): void {
    this.#segments[this.#segmentOf(entry.key)]!.delete(entry.key);
    unlink(entry);
    this.#size--;
    this.#bytes -= EntryTable.bytesOf(entry.key, entry.value.length);
  }

  /** Makes an entry the one used last. */
  use(entry: Entry): void {
    unlink(entry);
    this.#link(entry);
  }

  /** Gives an entry another value, and makes it the one used last. It must fit `maxBytes`. */
  revalue(entry: Entry, value: Uint8Array): void {
    const growth = value.length - entry.value.length;
    entry.value = value;
    this.use(entry);
    this.#grow(growth);
  }

  /** Looks at the next `visits` entries and removes those that are over at `now`; answers how many were. */
  sweep(now: number, visits: number): number {
    let removed = 0;
    let emptySegments = 0;
    for (let visit = 0; visit < visits && emptySegments <= this.#segments.length; visit++) {
      this.#sweepPlace ??= this.#segments[this.#sweepSegment]?.values();
      const next = this.#sweepPlace?.next();
      if (next === undefined || next.done === true) {
        this.#sweepPlace = undefined;
        this.#sweepSegment = (this.#sweepSegment + 1) % this.#segments.length;
        emptySegments++;
      } else if (next.value.expires <= now) {
        this.remove(next.value);
        removed++;
      }
    }
    return removed;
  }

  clear(): void {
    this.#segments.fill(undefined);
    this.#sweepPlace = undefined;
    this.#end.newer = this.#end;
    this.#end.older = this.#end;
    this.#size = 0;
    this.#bytes = 0;
  }

  /** The entry that is being written is the one used last, so it is never the one that makes room for itself. */
  #grow(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.maxBytes) this.remove(this.#end.newer);
  }

  #link(entry: Entry): void {
    const last = this.#end.older;
    entry.older = last;
    entry.newer = this.#end;
    last.newer = entry;
    this.#end.older = entry;
  }

  /** FNV-1a, 32 bits. */
  #segmentOf(key: string): number {
    if (this.#segments.length === 1) return 0;
    let hash = 0x811c9dc5;
    for (let index = 0; index < key.length; index++)
      hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
    return (hash ^ (hash >>> 15)) & (this.#segments.length - 1);
  }
}

function unlink(entry: Entry): void {
  entry.older.newer = entry.newer;
  entry.newer.older = entry.older;
}
