import type { KeyPart } from '../../core/key.ts';
import type { Policy } from '../../policies/policy.ts';
import { EntrySlab, type EntryTimes, flags, mostOwners, slabOwnerShift } from './entry-slab.ts';
import { mostSlots } from './slot-table.ts';
import { HotPromises } from './hot-promises.ts';

/** Why an entry left, by number. */
export const removalCauses = ['evicted', 'expired', 'invalidated', 'replaced'] as const;
export type RemovalCause = (typeof removalCauses)[number];
export const evicted = 0;
const expired = 1;
export const invalidated = 2;
export const replaced = 3;

/** An index as the room sees it. */
export interface RoomOwner {
  /** The entry in this slot leaves. It is still there, key and value and all. */
  leaves(slot: number, cause: number): void;
  /** The same for one that is dead already. */
  swept(slot: number): void;
}

export interface RoomOptions {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly policy: (slab: EntrySlab) => Policy;
  readonly defer: ((callback: () => void) => void) | undefined;
}

/** Constants of this module are folded into the code; those of others are read from memory. */
const ownerShift = slabOwnerShift;
const hotFlag = flags.hot;

/** Entries that one call removes at most to make room: one or two milliseconds, as each costs several cache misses. */
const mostRemoved = 1024;

/** Entries that are evicted per turn of the event loop in the background: fewer, as dead ones are swept in the same turn. */
const evictedPerTurn = 512;

/** Every so many new entries look at so many slots for what has expired; each does while there are cleared entries. A power of two. */
const entriesPerSweep = 32;
const sweptAtOnce = 32;

/** Slots that are looked at per turn, and for one that has to go before a live one is evicted. */
const sweptPerTurn = 4096;
const sweptForOne = 512;

/**
 * What all indexes of a near tier share: the entries, the room they may take together, and who goes when there are too many. Entries of a cleared index
 * are dead: nobody finds them any more, but they count until they are swept, since until then they are really there. They, and those
 * whose time is up, are swept a few with each new entry, before a live entry is evicted where they are found in time, and in the background if
 * there is a `defer`.
 */
export class NearRoom {
  readonly slab: EntrySlab = new EntrySlab(() => this.fitting);
  readonly promises: HotPromises = new HotPromises();
  readonly policy: Policy;
  maxBytes: number;
  maxEntries: number;
  bytes = 0;
  /** Live and dead. */
  resident = 0;
  /** Entries have had to go for others. */
  overflowed = false;
  /** Owners that are alive, by number; numbers begin with 1. */
  readonly #owners: (RoomOwner | undefined)[] = [undefined];
  /** By number: owners that are no more, and how many entries they have left behind. */
  readonly #former: (RoomOwner | undefined)[] = [undefined];
  readonly #deadOf: number[] = [0];
  readonly #freeOwners: number[] = [];
  #dead = 0;
  #cursor = 0;
  #added = 0;
  /** 1: `giveWay` has removed one already for the newcomer that `add` is asked to take in next. */
  #gone = 0;
  /** The policy counts entries: each weighs 1, whatever its value. */
  readonly #byEntries: boolean;
  readonly #defer: ((callback: () => void) => void) | undefined;
  #deferred = false;
  #open = true;

  constructor(options: RoomOptions) {
    this.maxBytes = options.maxBytes;
    this.maxEntries = Math.min(options.maxEntries, mostSlots);
    this.#byEntries = options.maxEntries !== Number.POSITIVE_INFINITY;
    this.#defer = options.defer;
    this.policy = options.policy(this.slab);
  }

  /** Whose live entry is in a slot; `undefined` if none is. */
  ownerAt(slot: number): RoomOwner | undefined {
    return this.#owners[this.slab.ownerOf(slot)];
  }

  /** A number for an owner, under which it keeps entries. */
  own(owner: RoomOwner): number {
    // Who clears again and again gets all numbers back in good time, a few slots each.
    const left = this.#freeOwners.length + mostOwners + 1 - this.#owners.length;
    if (this.#dead > 0) this.#sweep(Math.ceil(this.slab.end / Math.max(1, left)), 0);
    const number = this.#freeOwners.pop() ?? this.#owners.length;
    this.#owners[number] = owner;
    this.#deadOf[number] = 0;
    return number;
  }

  /** An owner, or its generation, is no more: so many entries are dead, at least one. */
  disown(number: number, entries: number): void {
    this.#former[number] = this.#owners[number];
    this.#owners[number] = undefined;
    this.#deadOf[number] = entries;
    this.#dead += entries;
    this.#sweepLater();
  }

  /** Takes in an entry for which there must be no other of its key; its index adds it. The weight is one that `keptWeight` gives. -1: it is not kept, since room for it would take too long in one call. */
  add(
    key: KeyPart,
    hash: number,
    value: unknown,
    weight: number,
    owner: number,
    times: EntryTimes,
    now: number,
  ): number {
    if (this.#dead > 0 || (++this.#added & (entriesPerSweep - 1)) === 0) this.#sweep(sweptAtOnce, now);
    this.policy.miss(hash);
    // One more entry in the place of another is the rule: then there is nothing to reckon.
    if (this.resident === this.maxEntries && this.#dead === 0 && this.bytes + weight <= this.maxBytes) {
      this.overflowed = true;
      this.remove(this.policy.victim(), evicted);
    } else if (!this.#makeRoom(weight, 1, mostRemoved - this.#gone)) return -1;
    this.#gone = 0;
    const slot = this.slab.take(key, hash, value, weight, owner);
    this.slab.setTimes(slot, times);
    this.bytes += weight;
    this.resident++;
    this.policy.insert(slot);
    return slot;
  }

  /**
   * For `SwiftIndex`, which does `add` in fewer steps where one entry gives its place to another and there is nothing else to do: the slot of that entry. The caller tells
   * its index, the promises, the policy and the slab. -1: `add` is to be called.
   */
  giveWay(weight: number): number {
    const added = this.#added + 1;
    if (this.#dead > 0 || (added & (entriesPerSweep - 1)) === 0) return -1;
    const bytes = this.bytes + weight;
    if (this.resident < this.maxEntries && bytes <= this.maxBytes) return -1;
    this.overflowed = true;
    const slot = this.policy.victim();
    if (this.resident <= this.maxEntries && bytes - this.slab.weightOf(slot) <= this.maxBytes) {
      this.#added = added;
      return slot;
    }
    this.remove(slot, evicted);
    this.#gone = 1;
    return -1;
  }

  /** The same for a value that takes the place of another one of its key, and with it its standing with the policy. False: it is not kept, and its slot is free. */
  replace(slot: number, value: unknown, weight: number, owner: number, times: EntryTimes): boolean {
    const difference = weight - this.slab.weightOf(slot);
    this.#owners[owner]!.leaves(slot, replaced);
    if (this.slab.has(slot, flags.hot)) this.promises.drop(slot);
    this.slab.replace(slot, value, weight);
    this.slab.setTimes(slot, times);
    this.bytes += difference;
    if (!this.#byEntries) this.policy.reweigh(slot, difference);
    if (this.#makeRoom(0, 0)) return this.slab.ownerOf(slot) === owner;
    if (this.slab.ownerOf(slot) === owner) this.remove(slot, evicted);
    return false;
  }

  remove(slot: number, cause: number): void {
    const { slab } = this;
    const mark = slab.markOf(slot);
    const owner = mark >> ownerShift;
    const alive = this.#owners[owner];
    if (alive !== undefined) {
      alive.leaves(slot, cause);
    } else {
      this.#former[owner]!.swept(slot);
      this.#dead--;
      if (--this.#deadOf[owner]! === 0) this.#freeOwners.push(owner);
    }
    if ((mark & hotFlag) !== 0) this.promises.drop(slot);
    this.policy.remove(slot);
    this.bytes -= slab.free(slot);
    this.resident--;
  }

  /** Other limits from now on. What is too much goes in the background, or with the next entries. */
  resize(maxBytes: number, maxEntries: number, capacity: number): void {
    this.maxBytes = maxBytes;
    this.maxEntries = Math.min(maxEntries, mostSlots);
    this.policy.resize(capacity);
    this.#sweepLater();
  }

  /** Nothing is swept, told or deferred any more. */
  close(): void {
    this.#open = false;
    this.slab.clear();
    this.promises.clear();
    this.bytes = 0;
    this.resident = 0;
    this.#dead = 0;
  }

  /** How many entries like those inside there is room for; 0 if none is inside. */
  get fitting(): number {
    if (this.resident === 0) return 0;
    return Math.min(this.maxEntries, Math.round((this.maxBytes / this.bytes) * this.resident));
  }

  get #full(): boolean {
    return this.bytes > this.maxBytes || this.resident > this.maxEntries;
  }

  #makeRoom(weight: number, entries: number, most: number = mostRemoved): boolean {
    let left = most;
    this.#gone = 0;
    while (this.bytes + weight > this.maxBytes || this.resident + entries > this.maxEntries) {
      if (left-- === 0 || this.resident === 0) return false;
      if (this.#dead > 0) {
        const before = this.resident;
        this.#sweep(sweptForOne, 0, 1);
        if (this.resident < before) continue;
      }
      this.overflowed = true;
      this.remove(this.policy.victim(), evicted);
    }
    return true;
  }

  /** Looks at the next slots, and removes what is dead, and what has expired if the time is told, up to `most` entries. */
  #sweep(slots: number, now: number, most: number = slots): void {
    const { slab } = this;
    let removed = 0;
    for (let looked = Math.min(slots, slab.end); looked > 0 && removed < most; looked--) {
      if (this.#cursor >= slab.end) this.#cursor = 0;
      const slot = this.#cursor++;
      if (this.#dead === 0 && slab.freshAt(slot, now)) continue;
      const owner = slab.ownerOf(slot);
      if (owner === 0) continue;
      if (this.#owners[owner] === undefined) {
        this.remove(slot, invalidated);
        removed++;
      } else if (now > slab.until(slot) && now >= slab.staleUntil(slot)) {
        this.remove(slot, expired);
        removed++;
      }
    }
  }

  #sweepLater(): void {
    if (this.#defer === undefined || this.#deferred) return;
    this.#deferred = true;
    this.#defer(this.#sweepNow);
  }

  readonly #sweepNow = (): void => {
    this.#deferred = false;
    if (!this.#open) return;
    if (this.#dead > 0) this.#sweep(sweptPerTurn, 0);
    if (this.#full) this.#makeRoom(0, 0, evictedPerTurn);
    if (this.#dead > 0 || this.#full) this.#sweepLater();
  };
}
