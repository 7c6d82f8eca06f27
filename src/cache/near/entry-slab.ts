import type { KeyPart } from '../../core/key.ts';
import { largest24, packed16, packed24, roundedUp16, unpacked16 } from './short-length.ts';
import { StaleSpans } from './stale-spans.ts';

/** Slots per chunk, and of the first one at first. */
export const chunkBits = 13;
const chunkSlots = 1 << chunkBits;
export const chunkMask: number = chunkSlots - 1;
const leastSlots = 128;

/** What 32 bits hold: 49 days in milliseconds. */
const latest = 2 ** 32 - 1;

/** How much older than the first entry of a chunk another one may be due exactly: 15 days. What came from elsewhere may be older than the process. */
const earlier = 15 * 86_400_000;

/** An entry's mark: its owner in the upper 12 bits, and flags. `crowded` belongs to the index. */
const ownerShift = 4;
export const slabOwnerShift: number = ownerShift;
export const flags = { negative: 1, copied: 2, hot: 4, crowded: 8 } as const;

/** Owners are numbered from 1; this many can be told apart. */
export const mostOwners: number = (1 << (16 - ownerShift)) - 1;

/** How long an entry may be served: milliseconds on the monotonic clock. `confirmedUntil` may be infinite. */
export interface EntryTimes {
  /** Before it a hit needs no further thought. Not later than the two that follow. */
  readonly until: number;
  /** Fresh by the entry's own life. */
  readonly freshUntil: number;
  /** May be served without asking the remote tier. */
  readonly confirmedUntil: number;
  /** May be served stale, at the latest; not before `freshUntil`. */
  readonly staleUntil: number;
  readonly loadedAt: number;
}

/**
 * The entries of a near tier by slot, as columns of a table: no object per entry that the collector would have to follow, and what a
 * hit reads lies close together. A slot takes 34 bytes:
 *
 * | bytes | what |
 * |---:|---|
 * | 16 | references to the key and to the value |
 * | 4 | hash of the key |
 * | 4 | `until`, in milliseconds from a base that the chunk has |
 * | 2 | from there to `freshUntil` |
 * | 3 + 1 | from `loadedAt` to `until`; the stale span, by number |
 * | 2 | weight |
 * | 2 | owner (a cache and its generation) and flags |
 * | (2) | from `until` to `confirmedUntil`, where that is finite: with a remote tier |
 *
 * Times are rounded down to milliseconds, `until` besides by 0.05 % of the rest of freshness, weights up: nothing is served longer than was said. Slots are
 * dense: the one freed last is used again first. It grows chunk by chunk, so growing never copies more than a chunk.
 */
export class EntrySlab {
  /** For the hottest readers: of slot `s`, `pairs[(s & chunkMask) << 1]` of chunk `s >> chunkBits` is the key. */
  readonly chunks: Chunk[] = [];
  readonly #staleSpans = new StaleSpans();
  /** The first free slot, or -1; each tells the one after it in the place of its key. */
  #free = -1;
  /** Slots that were ever used. */
  end = 0;

  /** Gives a slot to a new entry; its times are set next. */
  take(key: KeyPart, hash: number, value: unknown, weight: number, owner: number): number {
    let slot = this.#free;
    if (slot === -1) {
      slot = this.end++;
      this.#reserve(slot);
    } else {
      this.#free = this.chunks[slot >> chunkBits]!.pairs[(slot & chunkMask) << 1] as number;
    }
    const chunk = this.chunks[slot >> chunkBits]!;
    const at = slot & chunkMask;
    chunk.pairs[at << 1] = key;
    chunk.pairs[(at << 1) | 1] = value;
    chunk.hot[at << 1] = hash;
    chunk.weights[at] = packed16(weight);
    chunk.marks[at] = owner << ownerShift;
    return slot;
  }

  /** Another value of the same key, without the old one's flags; its times are set next. */
  replace(slot: number, value: unknown, weight: number): void {
    const chunk = this.chunks[slot >> chunkBits]!;
    const at = slot & chunkMask;
    chunk.pairs[(at << 1) | 1] = value;
    chunk.weights[at] = packed16(weight);
    chunk.marks[at]! &= ~(flags.negative | flags.copied | flags.hot);
  }

  /** The entry has left: the slot holds nothing any more. Its weight. */
  free(slot: number): number {
    const chunk = this.chunks[slot >> chunkBits]!;
    const at = slot & chunkMask;
    chunk.pairs[at << 1] = this.#free;
    chunk.pairs[(at << 1) | 1] = undefined;
    chunk.marks[at] = 0;
    this.#free = slot;
    return unpacked16(chunk.weights[at]!);
  }

  /** Forgets everything. No slot is good any more. */
  clear(): void {
    this.chunks.length = 0;
    this.#free = -1;
    this.end = 0;
  }

  keyOf(slot: number): KeyPart {
    return this.chunks[slot >> chunkBits]!.pairs[(slot & chunkMask) << 1] as KeyPart;
  }

  valueOf(slot: number): unknown {
    return this.chunks[slot >> chunkBits]!.pairs[((slot & chunkMask) << 1) | 1];
  }

  hashOf(slot: number): number {
    return this.chunks[slot >> chunkBits]!.hot[(slot & chunkMask) << 1]!;
  }

  weightOf(slot: number): number {
    return unpacked16(this.chunks[slot >> chunkBits]!.weights[slot & chunkMask]!);
  }

  /** Owner and flags together. */
  markOf(slot: number): number {
    return this.chunks[slot >> chunkBits]!.marks[slot & chunkMask]!;
  }

  /** 0: the slot is free. */
  ownerOf(slot: number): number {
    return this.chunks[slot >> chunkBits]!.marks[slot & chunkMask]! >> ownerShift;
  }

  has(slot: number, flag: number): boolean {
    return (this.chunks[slot >> chunkBits]!.marks[slot & chunkMask]! & flag) !== 0;
  }

  flag(slot: number, flag: number): void {
    this.chunks[slot >> chunkBits]!.marks[slot & chunkMask]! |= flag;
  }

  until(slot: number): number {
    const chunk = this.chunks[slot >> chunkBits]!;
    return chunk.base + (chunk.hot[((slot & chunkMask) << 1) | 1]! >>> 0);
  }

  freshUntil(slot: number): number {
    return this.until(slot) + unpacked16(this.chunks[slot >> chunkBits]!.fresh[slot & chunkMask]!);
  }

  confirmedUntil(slot: number): number {
    const { confirmed } = this.chunks[slot >> chunkBits]!;
    if (confirmed === undefined) return Number.POSITIVE_INFINITY;
    return this.until(slot) + unpacked16(confirmed[slot & chunkMask]!);
  }

  staleUntil(slot: number): number {
    const code = this.chunks[slot >> chunkBits]!.ages[slot & chunkMask]! & 0xff;
    return this.freshUntil(slot) + this.#staleSpans.span(code);
  }

  loadedAt(slot: number): number {
    return this.until(slot) - largest24(this.chunks[slot >> chunkBits]!.ages[slot & chunkMask]! >>> 8);
  }

  /** `loadedAt` must not lie in the future. */
  setTimes(slot: number, times: EntryTimes): void {
    const chunk = this.chunks[slot >> chunkBits]!;
    const freshUntil = Math.floor(times.freshUntil);
    // What is due before it was loaded is due at once; and a little earlier, so that the end of freshness is kept exactly.
    const until = freshUntil - roundedUp16(freshUntil - Math.floor(Math.max(times.until, times.loadedAt)));
    if (chunk.base === Number.NEGATIVE_INFINITY) chunk.base = Math.floor(times.loadedAt) - earlier;
    else if (until - chunk.base > latest)
      this.#rebase(slot >> chunkBits, Math.floor(times.loadedAt) - earlier);
    const at = slot & chunkMask;
    const offset = Math.max(0, until - chunk.base);
    const kept = chunk.base + offset;
    chunk.hot[(at << 1) | 1] = offset;
    chunk.fresh[at] = packed16(freshUntil - kept);
    const stale = this.#staleSpans.code(
      Math.floor(Math.max(0, times.staleUntil - Math.max(freshUntil, kept))),
    );
    chunk.ages[at] = (packed24(kept - Math.floor(times.loadedAt)) << 8) | stale;
    if (times.confirmedUntil !== Number.POSITIVE_INFINITY) {
      chunk.confirmed ??= new Uint16Array(chunk.marks.length).fill(0xffff);
    }
    if (chunk.confirmed !== undefined) chunk.confirmed[at] = packed16(times.confirmedUntil - kept);
  }

  times(slot: number): EntryTimes {
    return {
      until: this.until(slot),
      freshUntil: this.freshUntil(slot),
      confirmedUntil: this.confirmedUntil(slot),
      staleUntil: this.staleUntil(slot),
      loadedAt: this.loadedAt(slot),
    };
  }

  #reserve(slot: number): void {
    const place = slot >> chunkBits;
    const at = slot & chunkMask;
    const last = this.chunks[place];
    if (last === undefined) this.chunks.push(new Chunk(place === 0 ? leastSlots : chunkSlots));
    else if (at >= last.marks.length) last.grow();
  }

  /** After many days: another base for a chunk, and so new numbers for all its times. */
  #rebase(place: number, base: number): void {
    const chunk = this.chunks[place]!;
    const all = Array.from(chunk.marks, (mark, at) =>
      mark === 0 ? undefined : this.times((place << chunkBits) | at),
    );
    chunk.base = base;
    for (const [at, times] of all.entries()) {
      if (times === undefined) continue;
      // What has been due for days is due since the base, and so are the spans that count from there.
      this.setTimes((place << chunkBits) | at, times);
    }
  }
}

export class Chunk {
  /** Milliseconds on the monotonic clock; minus infinity until there is an entry. */
  base: number = Number.NEGATIVE_INFINITY;
  pairs: unknown[];
  hot: Int32Array;
  fresh: Uint16Array;
  ages: Int32Array;
  weights: Uint16Array;
  marks: Uint16Array;
  confirmed: Uint16Array | undefined = undefined;

  constructor(slots: number) {
    this.pairs = Array.from({ length: 2 * slots });
    this.hot = new Int32Array(2 * slots);
    this.fresh = new Uint16Array(slots);
    this.ages = new Int32Array(slots);
    this.weights = new Uint16Array(slots);
    this.marks = new Uint16Array(slots);
  }

  /** Twice as many slots: for the first chunk, until it is as large as all others. */
  grow(): void {
    const slots = 2 * this.marks.length;
    const grown = new Chunk(slots);
    for (const [index, each] of this.pairs.entries()) grown.pairs[index] = each;
    grown.hot.set(this.hot);
    grown.fresh.set(this.fresh);
    grown.ages.set(this.ages);
    grown.weights.set(this.weights);
    grown.marks.set(this.marks);
    if (this.confirmed !== undefined) {
      const confirmed = new Uint16Array(slots).fill(0xffff);
      confirmed.set(this.confirmed);
      this.confirmed = confirmed;
    }
    this.pairs = grown.pairs;
    this.hot = grown.hot;
    this.fresh = grown.fresh;
    this.ages = grown.ages;
    this.weights = grown.weights;
    this.marks = grown.marks;
  }
}

/** The weight that is kept for this many bytes: up to 0.05 % more. */
export function keptWeight(bytes: number): number {
  return roundedUp16(bytes);
}
