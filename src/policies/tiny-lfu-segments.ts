import { Chance } from './chance.ts';
import { GhostCounts, mostCounted } from './ghost-counts.ts';
import { HandWay } from './hand-way.ts';
import type { PolicyOptions } from './policy.ts';
import { lengthened } from './slot-array.ts';
import type { SlotLists } from './slot-lists.ts';

/** The segments, and their lists: each from the entry that came first to the one that came last. */
const windowSegment = 0;
const probation = 1;
const guarded = 2;

/** What is known of an entry, in 16 bits: its count, whether it was asked for since the hand passed, its segment, a mark of the owner's, and the age in which its count was right. */
const countBits = 0xf;
const referenced = 0x10;
const segmentShift = 5;
const segmentBits = 0x60;
const mark = 0x80;
const ageShift = 8;
const ageMask = 0xff;

/** The protected part of the main segments. From 60 to 95 % the mean hit ratio differs by less than 0.1 points. */
const guardedShare = 0.8;

/** All counts are halved after so many requests per entry that the cache has room for: 5 or 20 cost up to 0.3 points. (TinyLFU, section 3.3.) */
const sampleFactor = 10;

/** A candidate with at least this count is let in now and then although it lost: whoever can make keys collide with favourites of the cache could otherwise lock it. (Caffeine's `ADMIT_HASHDOS_THRESHOLD`.) */
const luckyCount = 6;
const luckyChance = 128;

/** Entries that change their segment at most, per newcomer, after the window has become smaller. */
const mostMoved = 4;

/** What is kept may be so much less than the capacity before another limit is supposed. */
const slack = 0.05;

/** Entries that are passed at most for one newcomer: each changes its place in a list, which in a large cache costs several cache misses. */
const mostPassed = 4096;

/** Victims that are asked at most what they are worth together against one heavy candidate. */
const mostJudged = 32;

const noSlot = -1;

export interface SegmentsOptions extends Omit<PolicyOptions, 'hashOf'> {
  /** The window's share of the capacity, 0 to 1. */
  readonly share: number;
  /** May be shared: lists `firstList` to `firstList + 2` belong to these segments. */
  readonly lists: SlotLists;
  readonly firstList: number;
}

/**
 * The segments of a W-TinyLFU cache: newcomers come into a window; who leaves it must be asked for more often than the entry
 * that the main segments would give up for it (Einziger, Friedman and Manes, "TinyLFU", ACM ToS 2017, section 4). Four things differ from the paper:
 *
 * - A resident entry is counted in its own 4 bits, and takes its count with it when it leaves: `GhostCounts` instead of a sketch. A hit so touches two
 *   bytes, and hits do not blur the counts of others.
 * - The request that brought a candidate in does not count in the contest: an entry of a loop, whose turn has not come, would lose
 *   to every candidate, whose turn has just been. (Loops and scans: up to 20 points of hit ratio.)
 * - Each segment is a FIFO list with a second chance, not an LRU list: a hit sets a bit, and what was asked for moves when its end of the
 *   list is reached. As good, and a hit costs no splice.
 * - A heavy candidate is held against the counts of as many victims as its weight needs (Einziger, Eytan, Friedman and Manes, "Lightweight robust
 *   size aware cache management", ACM ToS 2022, "aggregated victims").
 */
export class TinyLfuSegments {
  size = 0;
  weight = 0;
  /** Entries that carry their owner's mark. */
  marked = 0;
  readonly #lists: SlotLists;
  readonly #first: number;
  readonly #weightOf: ((slot: number) => number) | undefined;
  readonly #ghosts = new GhostCounts();
  readonly #chance: Chance;
  readonly #way = new HandWay(mostPassed);
  /** What is known of each entry. Of the hottest reader, `SwiftIndex`, too, like the three that follow: `hit` says what has to be done. */
  words: Uint16Array = new Uint16Array(192);
  counted = 0;
  period = 0;
  age = 0;
  /** Slots from here on are not provided for. */
  #reserved = 0;
  #capacity: number;
  /** What is really kept: less than the capacity where its owner has another limit, too. */
  #room: number;
  #share: number;
  /** Less weight than this supposes another limit. */
  #loose = 0;
  #windowWeight = 0;
  #windowSize = 0;
  #guardedWeight = 0;
  #windowLimit = 0;
  #guardedLimit = 0;

  constructor(options: SegmentsOptions) {
    this.#lists = options.lists;
    this.#first = options.firstList;
    this.#weightOf = options.weightOf;
    this.#chance = new Chance(options.seed);
    this.#capacity = options.capacity;
    this.#room = options.capacity;
    this.#share = options.share;
    this.#fill(options.capacity);
  }

  /** How many entries the capacity holds, as far as their weight is known yet. */
  get entries(): number {
    if (this.#weightOf === undefined) return this.#room;
    return this.size === 0 ? 1 : Math.max(this.size, Math.round((this.#room / this.weight) * this.size));
  }

  get capacity(): number {
    return this.#capacity;
  }

  set capacity(capacity: number) {
    this.#capacity = capacity;
    this.#fill(capacity);
  }

  set share(share: number) {
    this.#share = share;
    this.#divide();
  }

  /** Whether the entry carries its owner's mark. */
  hit(slot: number): boolean {
    const word = this.words[slot]!;
    let next = word | referenced;
    if (word >>> ageShift !== this.age) next = this.#renewed(next);
    // 1 below the highest count: adding it without a branch costs less than foretelling wrongly whether to.
    const more = ((next & countBits) - 15) >>> 31;
    this.words[slot] = next + more;
    this.counted += more;
    if (this.counted >= this.period) this.#grow();
    return (word & mark) !== 0;
  }

  /** The hash is that of the key; the same one must be told when the entry leaves. */
  insert(slot: number, hash: number, marked: boolean): void {
    if (slot >= this.#reserved) this.#reserve(slot);
    this.size++;
    if (marked) this.marked++;
    const weight = this.#weigh(slot);
    this.weight += weight;
    if (this.weight > this.#room) this.#fill(Math.min(this.#capacity, Math.ceil(this.weight * (1 + slack))));
    this.#way.renew();
    const seen = this.#ghosts.count(hash);
    const count = seen < mostCounted ? seen + 1 : mostCounted;
    this.words[slot] = (this.age << ageShift) | (marked ? mark : 0) | count;
    this.#lists.append(this.#first, slot);
    this.#windowWeight += weight;
    this.#windowSize++;
    if (++this.counted >= this.period) this.#grow();
    if (this.#windowWeight > this.#windowLimit) this.#spill();
  }

  remove(slot: number, hash: number): void {
    const word = this.words[slot]!;
    const count = this.#halved(word);
    if (count > 0) this.#ghosts.remember(hash, count);
    this.#lists.take(slot);
    const weight = this.#weigh(slot);
    const segment = word & segmentBits;
    if (segment === 0) {
      this.#windowWeight -= weight;
      this.#windowSize--;
    } else if (segment === guarded << segmentShift) this.#guardedWeight -= weight;
    this.size--;
    if ((word & mark) !== 0) this.marked--;
    this.weight -= weight;
  }

  /** The same as `remove`, and then `insert` of a newcomer in the same slot: its hash is told second, and its weight. */
  exchange(slot: number, leaving: number, hash: number, weight: number, marked: boolean): void {
    const word = this.words[slot]!;
    const known = this.#halved(word);
    if (known > 0) this.#ghosts.remember(leaving, known);
    const seen = this.#ghosts.count(hash);
    const before = this.#weigh(slot);
    const segment = word & segmentBits;
    if (segment === 0) this.#windowWeight += weight - before;
    else {
      this.#windowWeight += weight;
      this.#windowSize++;
      if (segment === guarded << segmentShift) this.#guardedWeight -= before;
    }
    this.#lists.moveToEnd(this.#first, slot);
    if ((word & mark) !== 0) this.marked--;
    if (marked) this.marked++;
    this.weight += weight - before;
    if (this.weight > this.#room) this.#fill(Math.min(this.#capacity, Math.ceil(this.weight * (1 + slack))));
    this.#way.renew();
    const count = seen < mostCounted ? seen + 1 : mostCounted;
    this.words[slot] = (this.age << ageShift) | (marked ? mark : 0) | count;
    if (++this.counted >= this.period) this.#grow();
    if (this.#windowWeight > this.#windowLimit) this.#spill();
  }

  reweigh(slot: number, difference: number): void {
    this.weight += difference;
    const segment = this.#segment(slot);
    if (segment === windowSegment) this.#windowWeight += difference;
    else if (segment === guarded) this.#guardedWeight += difference;
  }

  victim(): number {
    if (this.size === 0) return noSlot;
    if (this.weight < this.#loose) this.#fill(this.weight);
    if (this.#guardedWeight > this.#guardedLimit) this.#shrinkGuarded();
    if (this.#windowSize > 0 && this.#windowWeight >= this.#windowLimit) {
      // The rule, with less to do: neither was asked for, and the candidate is worth no more than one victim, let alone several.
      const first = this.#lists.first(this.#first);
      const other = this.#lists.first(this.#first + probation);
      if (other >= 0 && ((this.words[first]! | this.words[other]!) & referenced) === 0) {
        const count = this.#count(first);
        if (count < luckyCount && count <= this.#count(other) + 1) return first;
      }
      const candidate = this.#end(windowSegment);
      const victim = this.#mainVictim();
      if (victim === noSlot || !this.#admits(candidate, victim)) return candidate;
      this.#move(candidate, probation);
      return victim;
    }
    const victim = this.#mainVictim();
    return victim === noSlot ? this.#end(windowSegment) : victim;
  }

  /** There is room: nobody has to go for those that the window cannot hold. */
  #spill(): void {
    for (
      let moved = 0;
      moved < mostMoved && this.#windowWeight > this.#windowLimit && this.#windowSize > 1;
      moved++
    ) {
      const slot = this.#lists.first(this.#first);
      this.#take(slot);
      this.#place(slot, probation);
    }
  }

  #admits(candidate: number, victim: number): boolean {
    const count = this.#count(candidate);
    let worth = this.#count(victim);
    if (this.#weightOf !== undefined) {
      let missing = this.#weightOf(candidate) - this.#weightOf(victim);
      let next = this.#lists.next(victim);
      for (let judged = 1; judged < mostJudged && missing > 0 && next >= 0 && worth < count; judged++) {
        worth += this.#count(next);
        missing -= this.#weightOf(next);
        next = this.#lists.next(next);
      }
    }
    if (count > worth + 1) return true;
    return count >= luckyCount && this.#chance.below(luckyChance) === 0;
  }

  /** The entry that the main segments give up next, or -1: what was asked for on probation comes under guard, what was not asked for under guard comes to probation. */
  #mainVictim(): number {
    let left = this.#way.begin();
    let slot = this.#lists.first(this.#first + probation);
    while (slot >= 0 && left > 0 && (this.words[slot]! & referenced) !== 0) {
      this.#move(slot, guarded);
      left--;
      this.#shrinkGuarded();
      slot = this.#lists.first(this.#first + probation);
    }
    this.#way.end(left);
    return slot >= 0 ? slot : this.#end(guarded);
  }

  /** The entry at the end of a segment that was not asked for lately; those that were are passed. -1 for an empty one. */
  #end(segment: number): number {
    const list = this.#first + segment;
    let left = this.#way.begin();
    let slot = this.#lists.first(list);
    for (; slot >= 0 && left > 0 && (this.words[slot]! & referenced) !== 0; left--) {
      this.words[slot]! &= ~referenced;
      this.#lists.moveToEnd(list, slot);
      slot = this.#lists.first(list);
    }
    this.#way.end(left);
    return slot < 0 ? noSlot : slot;
  }

  #shrinkGuarded(): void {
    for (let moved = 0; moved < mostMoved && this.#guardedWeight > this.#guardedLimit; moved++) {
      const slot = this.#lists.first(this.#first + guarded);
      if ((this.words[slot]! & referenced) === 0) {
        this.#move(slot, probation);
      } else {
        this.words[slot]! &= ~referenced;
        this.#lists.moveToEnd(this.#first + guarded, slot);
      }
    }
  }

  #move(slot: number, segment: number): void {
    this.#take(slot);
    this.words[slot]! &= ~referenced;
    this.#place(slot, segment);
  }

  #place(slot: number, segment: number): void {
    this.words[slot] = (this.words[slot]! & ~segmentBits) | (segment << segmentShift);
    this.#lists.append(this.#first + segment, slot);
    if (segment === windowSegment) {
      this.#windowWeight += this.#weigh(slot);
      this.#windowSize++;
    } else if (segment === guarded) this.#guardedWeight += this.#weigh(slot);
  }

  #take(slot: number): void {
    this.#lists.take(slot);
    const segment = this.#segment(slot);
    if (segment === windowSegment) {
      this.#windowWeight -= this.#weigh(slot);
      this.#windowSize--;
    } else if (segment === guarded) this.#guardedWeight -= this.#weigh(slot);
  }

  #segment(slot: number): number {
    return (this.words[slot]! & segmentBits) >> segmentShift;
  }

  #weigh(slot: number): number {
    return this.#weightOf === undefined ? 1 : this.#weightOf(slot);
  }

  /** The entry's count, halved as often as all counts were since it was last right. */
  #count(slot: number): number {
    return this.#halved(this.words[slot]!);
  }

  #renewed(word: number): number {
    return (this.age << ageShift) | (word & 0xf0) | this.#halved(word);
  }

  #halved(word: number): number {
    const missed = (this.age - (word >>> ageShift)) & ageMask;
    // A shift by 32 would be one by 0.
    return missed > 3 ? 0 : (word & countBits) >> missed;
  }

  /** Everything has become older by one period. */
  #grow(): void {
    this.counted >>= 1;
    this.age = (this.age + 1) & ageMask;
    this.#ghosts.age();
    this.period = sampleFactor * this.entries;
    this.#divide();
  }

  #fill(room: number): void {
    this.#room = room;
    this.#loose = room * (1 - slack);
    this.#divide();
    this.period = sampleFactor * this.entries;
  }

  #divide(): void {
    this.#windowLimit = Math.max(1, Math.round(this.#room * this.#share));
    if (this.#windowLimit >= this.#room) this.#windowLimit = Math.max(1, this.#room - 1);
    this.#guardedLimit = Math.floor((this.#room - this.#windowLimit) * guardedShare);
  }

  /** Shared lists may be longer, and what grows grows at different times. */
  #reserve(slot: number): void {
    if (slot >= this.words.length) this.words = lengthened(this.words, slot, 1, this.entries);
    this.#lists.reserve(slot);
    this.#ghosts.reserve(slot + 1, this.entries);
    this.#reserved = slot + 1;
  }
}
