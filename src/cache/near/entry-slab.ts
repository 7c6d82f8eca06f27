import type { KeyPart } from '../../core/key.ts';
import { lengthened } from '../../policies/slot-array.ts';
import { largest24, packed16, packed24, roundedUp16, unpacked16 } from './short-length.ts';
import { StaleSpans } from './stale-spans.ts';

/** Slots per chunk, and of the first one at first. */
export const chunkBits = 13;
const chunkSlots = 1 << chunkBits;
const chunkMask: number = chunkSlots - 1;
const leastSlots = 128;

/** What an entry has in the other columns, in 16-bit words, and where. */
const restWords = 5;
const freshWord = 0;
const ageLow = 1;
const ageHigh = 2;
const weightWord = 3;
const markWord = 4;

/** What 32 bits hold: 49 days in milliseconds. */
const latest = 2 ** 32 - 1;

/** How much older than the first entry of a chunk another one may be due exactly: 15 days. What came from elsewhere may be older than the process. */
const earlier = 15 * 86_400_000;

/** An entry's mark: its owner in the upper 12 bits, and flags. `crowded` belongs to the index. */
const ownerShift = 4;
export const slabOwnerShift: number = ownerShift;
export const flags = { negative: 1, copied: 2, hot: 4, crowded: 8 } as const;
const { negative: negativeFlag, copied: copiedFlag, hot: hotFlag } = flags;

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
 * hit reads lies close together. A slot takes 34 bytes, in three columns and, with a remote tier, a fourth:
 *
 * | column | bytes | what |
 * |---|---:|---|
 * | pairs | 16 | references to the key and to the value |
 * | hot | 4 | hash of the key |
 * | | 4 | `until`, in milliseconds from a base that the chunk has |
 * | rest | 2 | from there to `freshUntil` |
 * | | 1 + 3 | the stale span, by number; from `loadedAt` to `until` |
 * | | 2 | weight |
 * | | 2 | owner (a cache and its generation) and flags |
 * | (confirmed) | (2) | from `until` to `confirmedUntil`, where that is finite |
 *
 * Times are rounded down to milliseconds, `until` besides by 0.05 % of the rest of freshness, weights up: nothing is served longer than was said. Slots are
 * dense: the one freed last is used again first. What every hit reads is in one piece, which is copied to grow, but not when there are many; all else grows chunk
 * by chunk.
 */
export class EntrySlab {
  /** For the hottest readers: of slot `s`, `pairs[s >> chunkBits][(s & mask) << 1]` is the key, and the value follows it. */
  readonly pairs: unknown[][] = [];
  /** Hash and `until` of each slot. */
  #hot = new Int32Array(2 * leastSlots);
  readonly #rest: Uint16Array[] = [];
  readonly #confirmed: (Uint16Array | undefined)[] = [];
  /** By chunk, in milliseconds on the monotonic clock; minus infinity until there is an entry. */
  readonly #bases: number[] = [];
  readonly #staleSpans = new StaleSpans();
  readonly #expected: () => number;
  /** The first free slot, or -1; each tells the one after it in the place of its key. */
  #free = -1;
  /** Slots that were ever used. */
  end = 0;

  /** `expected` tells how many entries there will be. */
  constructor(expected: () => number = () => 0) {
    this.#expected = expected;
  }

  /** Gives a slot to a new entry; its times are set next. */
  take(key: KeyPart, hash: number, value: unknown, weight: number, owner: number): number {
    let slot = this.#free;
    if (slot === -1) {
      slot = this.end++;
      this.#reserve(slot);
    }
    const pairs = this.pairs[slot >> chunkBits]!;
    const place = (slot & chunkMask) << 1;
    if (this.#free !== -1) this.#free = pairs[place] as number;
    pairs[place] = key;
    pairs[place | 1] = value;
    this.#hot[slot << 1] = hash;
    const rest = this.#rest[slot >> chunkBits]!;
    const at = (slot & chunkMask) * restWords;
    rest[at + weightWord] = packed16(weight);
    rest[at + markWord] = owner << ownerShift;
    return slot;
  }

  /** Another value of the same key, without the old one's flags; its times are set next. */
  replace(slot: number, value: unknown, weight: number): void {
    this.pairs[slot >> chunkBits]![((slot & chunkMask) << 1) | 1] = value;
    const rest = this.#rest[slot >> chunkBits]!;
    const at = (slot & chunkMask) * restWords;
    rest[at + weightWord] = packed16(weight);
    rest[at + markWord]! &= ~(negativeFlag | copiedFlag | hotFlag);
  }

  /** The entry has left: the slot holds nothing any more. Its weight. */
  free(slot: number): number {
    const pairs = this.pairs[slot >> chunkBits]!;
    const place = (slot & chunkMask) << 1;
    pairs[place] = this.#free;
    pairs[place | 1] = undefined;
    this.#free = slot;
    const rest = this.#rest[slot >> chunkBits]!;
    const at = (slot & chunkMask) * restWords;
    rest[at + markWord] = 0;
    return unpacked16(rest[at + weightWord]!);
  }

  /** Forgets everything. No slot is good any more. */
  clear(): void {
    for (const column of [this.pairs, this.#rest, this.#confirmed, this.#bases]) column.length = 0;
    this.#hot = new Int32Array(2 * leastSlots);
    this.#free = -1;
    this.end = 0;
  }

  keyOf(slot: number): KeyPart {
    return this.pairs[slot >> chunkBits]![(slot & chunkMask) << 1] as KeyPart;
  }

  valueOf(slot: number): unknown {
    return this.pairs[slot >> chunkBits]![((slot & chunkMask) << 1) | 1];
  }

  hashOf(slot: number): number {
    return this.#hot[slot << 1]!;
  }

  weightOf(slot: number): number {
    return unpacked16(this.#rest[slot >> chunkBits]![(slot & chunkMask) * restWords + weightWord]!);
  }

  /** Owner and flags together. */
  markOf(slot: number): number {
    return this.#rest[slot >> chunkBits]![(slot & chunkMask) * restWords + markWord]!;
  }

  /** 0: the slot is free. */
  ownerOf(slot: number): number {
    return this.markOf(slot) >> ownerShift;
  }

  has(slot: number, flag: number): boolean {
    return (this.markOf(slot) & flag) !== 0;
  }

  flag(slot: number, flag: number): void {
    this.#rest[slot >> chunkBits]![(slot & chunkMask) * restWords + markWord]! |= flag;
  }

  /** Whether `until` has not come. */
  freshAt(slot: number, now: number): boolean {
    return now - this.#bases[slot >> chunkBits]! < this.#hot[(slot << 1) | 1]! >>> 0;
  }

  until(slot: number): number {
    return this.#bases[slot >> chunkBits]! + (this.#hot[(slot << 1) | 1]! >>> 0);
  }

  freshUntil(slot: number): number {
    const rest = this.#rest[slot >> chunkBits]!;
    return this.until(slot) + unpacked16(rest[(slot & chunkMask) * restWords + freshWord]!);
  }

  confirmedUntil(slot: number): number {
    const confirmed = this.#confirmed[slot >> chunkBits];
    if (confirmed === undefined) return Number.POSITIVE_INFINITY;
    return this.until(slot) + unpacked16(confirmed[slot & chunkMask]!);
  }

  staleUntil(slot: number): number {
    const code = this.#rest[slot >> chunkBits]![(slot & chunkMask) * restWords + ageLow]! & 0xff;
    return this.freshUntil(slot) + this.#staleSpans.span(code);
  }

  loadedAt(slot: number): number {
    const rest = this.#rest[slot >> chunkBits]!;
    const at = (slot & chunkMask) * restWords;
    return this.until(slot) - largest24((rest[at + ageHigh]! << 8) | (rest[at + ageLow]! >> 8));
  }

  /** `loadedAt` must not lie in the future. */
  setTimes(slot: number, times: EntryTimes): void {
    const { until, loadedAt, confirmedUntil } = times;
    const place = slot >> chunkBits;
    const from = Math.floor(loadedAt);
    const freshUntil = Math.floor(times.freshUntil);
    // What is due before it was loaded is due at once; and a little earlier, so that the end of freshness is kept exactly.
    const due = freshUntil - roundedUp16(freshUntil - Math.floor(until > loadedAt ? until : loadedAt));
    let base = this.#bases[place]!;
    if (!(due - base <= latest)) base = this.#rebase(place, from - earlier);
    const offset = due > base ? due - base : 0;
    const kept = base + offset;
    this.#hot[(slot << 1) | 1] = offset;
    const stale = times.staleUntil - (freshUntil > kept ? freshUntil : kept);
    const code = stale > 0 ? this.#staleSpans.code(Math.floor(stale)) : 0;
    const age = packed24(kept - from);
    const rest = this.#rest[place]!;
    const at = (slot & chunkMask) * restWords;
    rest[at + freshWord] = packed16(freshUntil - kept);
    rest[at + ageLow] = (age << 8) | code;
    rest[at + ageHigh] = age >> 8;
    if (confirmedUntil !== Number.POSITIVE_INFINITY || this.#confirmed[place] !== undefined)
      this.#confirm(slot, confirmedUntil - kept);
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

  /** Slots that there is memory for, in each column: for tests. */
  get reserved(): { readonly hot: number; readonly chunks: number; readonly last: number } {
    const { length } = this.#rest;
    return {
      hot: this.#hot.length / 2,
      chunks: length,
      last: length === 0 ? 0 : this.#rest[length - 1]!.length / restWords,
    };
  }

  #confirm(slot: number, span: number): void {
    const place = slot >> chunkBits;
    const slots = this.#rest[place]!.length / restWords;
    const confirmed = (this.#confirmed[place] ??= new Uint16Array(slots).fill(0xffff));
    confirmed[slot & chunkMask] = packed16(span);
  }

  #reserve(slot: number): void {
    if (slot << 1 >= this.#hot.length) this.#hot = lengthened(this.#hot, slot, 2, this.#expected());
    const place = slot >> chunkBits;
    const rest = this.#rest[place];
    if (rest === undefined) {
      const slots = place === 0 ? leastSlots : chunkSlots;
      this.pairs.push(Array.from({ length: 2 * slots }));
      this.#rest.push(new Uint16Array(slots * restWords));
      this.#confirmed.push(undefined);
      this.#bases.push(Number.NEGATIVE_INFINITY);
    } else if ((slot & chunkMask) * restWords >= rest.length) this.#widen(2 * (slot & chunkMask));
  }

  /** More slots for the first chunk, until it is as large as all others. */
  #widen(slots: number): void {
    const pairs: unknown[] = Array.from({ length: 2 * slots });
    for (const [index, each] of this.pairs[0]!.entries()) pairs[index] = each;
    this.pairs[0] = pairs;
    this.#rest[0] = lengthened(this.#rest[0]!, slots - 1, restWords);
    const confirmed = this.#confirmed[0];
    if (confirmed === undefined) return;
    this.#confirmed[0] = new Uint16Array(slots).fill(0xffff);
    this.#confirmed[0].set(confirmed);
  }

  /** The base of a chunk that has none; or, after many days, another one, and so new numbers for all its times. */
  #rebase(place: number, base: number): number {
    const first = place << chunkBits;
    const slots = this.#bases[place] === Number.NEGATIVE_INFINITY ? 0 : this.#rest[place]!.length / restWords;
    const all = Array.from({ length: slots }, (_, at) =>
      this.markOf(first + at) === 0 ? undefined : this.times(first + at),
    );
    this.#bases[place] = base;
    for (const [at, times] of all.entries()) {
      // What has been due for days is due since the base, and so are the spans that count from there.
      if (times !== undefined) this.setTimes(first + at, times);
    }
    return base;
  }
}

/** The weight that is kept for this many bytes: up to 0.05 % more. */
export function keptWeight(bytes: number): number {
  return roundedUp16(bytes);
}
