import type { KeyPart } from '../../core/key.ts';
import { lengthened } from '../../policies/slot-array.ts';
import { largest24, packed16, packed24, roundedUp16, unpacked16 } from './short-length.ts';
import { StaleSpans } from './stale-spans.ts';

const leastSlots = 128;

/** References of so many slots lie in one array, which is copied to grow, by so much: a millisecond at most. Those of more slots lie in chunks. */
export const evenSlots: number = 1 << 18;
const evenGrowth = 1.25;
const chunkBits = 13;
const chunkMask = (1 << chunkBits) - 1;

/** What an entry has in the other columns, in 16-bit words, and where. */
const restWords = 5;
const freshWord = 0;
const ageLow = 1;
const ageHigh = 2;
const weightWord = 3;
const markWord = 4;

/** Times of 32 bits count from here, in both directions: 49 days in milliseconds together. */
const half = 2 ** 31;

/** The earliest of them says more: that neither freshness nor a stale span is left. */
const over = -half;

/** How much older than the first entry another one may be due exactly: 15 days. What came from elsewhere may be older than the process. */
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
 * hit reads lies close together. A slot takes 34 bytes, in three columns; two further columns are there where they are needed:
 *
 * | column | bytes | what |
 * |---|---:|---|
 * | pairs | 16 | references to the key and to the value |
 * | hot | 4 | hash of the key |
 * | | 4 | `until`, in milliseconds from a base that all have |
 * | rest | 2 | from there to `freshUntil` |
 * | | 1 + 3 | the stale span, by number; from `loadedAt` to `until` |
 * | | 2 | weight |
 * | | 2 | owner (a cache and its generation) and flags |
 * | (confirmed) | (2) | from `until` to `confirmedUntil`, where that is finite |
 * | (chained) | (4) | the cell that follows in a `ChainTable`, where the index is one |
 *
 * Times are rounded down to milliseconds, `until` besides by 0.05 % of the rest of freshness, weights up: nothing is served longer than was said. Slots are
 * dense: the one freed last is used again first. Columns are in one piece, which is copied to grow, but those of numbers not when there are many: then there is memory
 * for all that are expected. Only the references beyond the first 262,144 slots grow chunk by chunk.
 */
export class EntrySlab {
  /** Of slot `s` below `evenSlots`, `#pairs[s << 1]` is the key, and the value follows it. */
  #pairs: unknown[] = [];
  /** Those of the slots from `evenSlots` on. */
  readonly #more: unknown[][] = [];
  /** Hash and `until` of each slot. Of the hottest reader, `SwiftIndex`, too, like `chained` and `base`. */
  hot: Int32Array = new Int32Array(2 * leastSlots);
  #rest = new Uint16Array(restWords * leastSlots);
  #confirmed: Uint16Array | undefined;
  /** What a `ChainTable` keeps of each slot, if there is one. */
  chained: Int32Array = new Int32Array(0);
  /** Where `until` counts from, on the monotonic clock; not known before there is an entry. */
  base = 0;
  #based = false;
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
    } else this.#free = this.keyOf(slot) as number;
    if (slot < evenSlots) {
      const pairs = this.#pairs;
      pairs[slot << 1] = key;
      pairs[(slot << 1) | 1] = value;
    } else this.#setFar(slot, key, value);
    this.hot[slot << 1] = hash;
    const rest = this.#rest;
    const at = slot * restWords;
    rest[at + weightWord] = packed16(weight);
    rest[at + markWord] = owner << ownerShift;
    return slot;
  }

  /** Gives a slot that is taken to another entry. What it weighs more than the one that was there. */
  exchange(
    slot: number,
    key: KeyPart,
    hash: number,
    value: unknown,
    weight: number,
    mark: number,
    times: EntryTimes,
  ): number {
    if (slot < evenSlots) {
      const pairs = this.#pairs;
      pairs[slot << 1] = key;
      pairs[(slot << 1) | 1] = value;
    } else this.#setFar(slot, key, value);
    this.hot[slot << 1] = hash;
    const rest = this.#rest;
    const at = slot * restWords;
    const before = rest[at + weightWord]!;
    rest[at + weightWord] = packed16(weight);
    rest[at + markWord] = mark;
    this.setTimes(slot, times);
    return weight - unpacked16(before);
  }

  /** Another value of the same key, without the old one's flags; its times are set next. */
  replace(slot: number, value: unknown, weight: number): void {
    if (slot < evenSlots) this.#pairs[(slot << 1) | 1] = value;
    else this.#setFar(slot, this.keyOf(slot), value);
    const rest = this.#rest;
    const at = slot * restWords;
    rest[at + weightWord] = packed16(weight);
    rest[at + markWord]! &= ~(negativeFlag | copiedFlag | hotFlag);
  }

  /** The entry has left: the slot holds nothing any more. Its weight. */
  free(slot: number): number {
    if (slot < evenSlots) {
      const pairs = this.#pairs;
      pairs[slot << 1] = this.#free;
      pairs[(slot << 1) | 1] = undefined;
    } else this.#setFar(slot, this.#free, undefined);
    this.#free = slot;
    const rest = this.#rest;
    const at = slot * restWords;
    rest[at + markWord] = 0;
    return unpacked16(rest[at + weightWord]!);
  }

  /** Forgets everything. No slot is good any more. */
  clear(): void {
    this.#pairs = [];
    this.#more.length = 0;
    this.hot = new Int32Array(2 * leastSlots);
    this.#rest = new Uint16Array(restWords * leastSlots);
    this.#confirmed = undefined;
    this.chained = new Int32Array(this.chained.length > 0 ? leastSlots : 0);
    this.#based = false;
    this.#free = -1;
    this.end = 0;
  }

  /** There is a `ChainTable`: room for what it keeps of each slot. */
  chain(): void {
    const slots = this.hot.length / 2;
    if (this.chained.length < slots) this.chained = lengthened(this.chained, slots - 1, 1);
  }

  keyOf(slot: number): KeyPart {
    return (slot < evenSlots ? this.#pairs[slot << 1] : this.#far(slot)[(slot & chunkMask) << 1]) as KeyPart;
  }

  valueOf(slot: number): unknown {
    return slot < evenSlots ? this.#pairs[(slot << 1) | 1] : this.#far(slot)[((slot & chunkMask) << 1) | 1];
  }

  hashOf(slot: number): number {
    return this.hot[slot << 1]!;
  }

  weightOf(slot: number): number {
    return unpacked16(this.#rest[slot * restWords + weightWord]!);
  }

  /** Owner and flags together. */
  markOf(slot: number): number {
    return this.#rest[slot * restWords + markWord]!;
  }

  /** 0: the slot is free. */
  ownerOf(slot: number): number {
    return this.markOf(slot) >> ownerShift;
  }

  has(slot: number, flag: number): boolean {
    return (this.markOf(slot) & flag) !== 0;
  }

  flag(slot: number, flag: number): void {
    this.#rest[slot * restWords + markWord]! |= flag;
  }

  /** Whether `until` has not come. */
  freshAt(slot: number, now: number): boolean {
    return now - this.base < this.hot[(slot << 1) | 1]!;
  }

  until(slot: number): number {
    return this.base + this.hot[(slot << 1) | 1]!;
  }

  freshUntil(slot: number): number {
    if (this.#over(slot)) return this.until(slot);
    return this.until(slot) + unpacked16(this.#rest[slot * restWords + freshWord]!);
  }

  confirmedUntil(slot: number): number {
    if (this.#confirmed === undefined) return Number.POSITIVE_INFINITY;
    if (this.#over(slot)) return this.until(slot);
    return this.until(slot) + unpacked16(this.#confirmed[slot]!);
  }

  staleUntil(slot: number): number {
    if (this.#over(slot)) return this.until(slot);
    const code = this.#rest[slot * restWords + ageLow]! & 0xff;
    return this.freshUntil(slot) + this.#staleSpans.span(code);
  }

  loadedAt(slot: number): number {
    const at = slot * restWords;
    const age = (this.#rest[at + ageHigh]! << 8) | (this.#rest[at + ageLow]! >> 8);
    return this.until(slot) - largest24(age);
  }

  /** `loadedAt` must not lie in the future, and `freshUntil` at most 30 days after it: all other entries' times suffer, too. */
  setTimes(slot: number, times: EntryTimes): void {
    const { until, loadedAt, confirmedUntil } = times;
    const from = Math.floor(loadedAt);
    const freshUntil = Math.floor(times.freshUntil);
    // What is due before it was loaded is due at once; and a little earlier, so that the end of freshness is kept exactly.
    const early = freshUntil - Math.floor(until > loadedAt ? until : loadedAt);
    const due = early === 0 ? freshUntil : freshUntil - roundedUp16(early);
    if (!this.#based || due - this.base >= half) this.#rebase(from - earlier + half);
    const base = this.base;
    const offset = due > base + over ? due - base : over + 1;
    const kept = base + offset;
    this.hot[(slot << 1) | 1] = offset;
    const stale = times.staleUntil - (freshUntil > kept ? freshUntil : kept);
    const code = stale >= 1 ? this.#staleSpans.code(Math.floor(stale)) : 0;
    const age = packed24(kept - from);
    const rest = this.#rest;
    const at = slot * restWords;
    rest[at + freshWord] = packed16(freshUntil - kept);
    rest[at + ageLow] = (age << 8) | code;
    rest[at + ageHigh] = age >> 8;
    if (confirmedUntil !== Number.POSITIVE_INFINITY || this.#confirmed !== undefined)
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
  get reserved(): { readonly pairs: number; readonly hot: number; readonly rest: number } {
    const chunks = this.#more.length << chunkBits;
    return {
      pairs: this.#pairs.length / 2 + chunks,
      hot: this.hot.length / 2,
      rest: this.#rest.length / restWords,
    };
  }

  #over(slot: number): boolean {
    return this.hot[(slot << 1) | 1] === over;
  }

  #far(slot: number): unknown[] {
    return this.#more[(slot - evenSlots) >> chunkBits]!;
  }

  #setFar(slot: number, key: unknown, value: unknown): void {
    const pairs = this.#far(slot);
    pairs[(slot & chunkMask) << 1] = key;
    pairs[((slot & chunkMask) << 1) | 1] = value;
  }

  #confirm(slot: number, span: number): void {
    this.#confirmed ??= new Uint16Array(this.hot.length / 2).fill(0xffff);
    this.#confirmed[slot] = packed16(span);
  }

  #reserve(slot: number): void {
    if (slot << 1 >= this.hot.length) this.#lengthen(slot);
    if (slot >= evenSlots) {
      if ((slot & chunkMask) === 0) this.#more.push(emptyPairs(1 << chunkBits));
    } else if (slot << 1 >= this.#pairs.length) {
      const { length } = this.#pairs;
      const longer = emptyPairs(
        Math.max(leastSlots, Math.min(evenSlots, Math.ceil((length >> 1) * evenGrowth))),
      );
      for (let index = 0; index < length; index++) longer[index] = this.#pairs[index];
      this.#pairs = longer;
    }
  }

  #lengthen(slot: number): void {
    const expected = this.#expected();
    this.hot = lengthened(this.hot, slot, 2, expected);
    this.#rest = lengthened(this.#rest, slot, restWords, expected);
    if (this.chained.length > 0) this.chained = lengthened(this.chained, slot, 1, expected);
    const confirmed = this.#confirmed;
    if (confirmed === undefined) return;
    this.#confirmed = new Uint16Array(this.hot.length / 2).fill(0xffff);
    this.#confirmed.set(confirmed);
  }

  /**
   * Another base, at first and after each month or so: all times count from there. What has been due for longer than can be told from there, 15 days, is over,
   * whatever there was left of it. One pass over all entries: 2 to 5 ms for a million, a little more the first time.
   */
  #rebase(base: number): void {
    const later = base - this.base;
    const { hot } = this;
    const end = this.#based ? this.end : 0;
    for (let slot = 0; slot < end; slot++) {
      const offset = hot[(slot << 1) | 1]! - later;
      hot[(slot << 1) | 1] = offset > over ? offset : over;
    }
    this.#based = true;
    // The result of `floor` is a small whole number to V8 wherever it is one.
    this.base = Math.floor(base);
  }
}

/** Room for the references of so many slots. */
function emptyPairs(slots: number): unknown[] {
  const pairs: unknown[] = [];
  pairs.length = 2 * slots;
  return pairs.fill(undefined);
}

/** The weight that is kept for this many bytes: up to 0.05 % more. */
export function keptWeight(bytes: number): number {
  return roundedUp16(bytes);
}
