import type { KeyPart } from '../../core/key.ts';
import type { EntryWeight } from './entry-weight.ts';
import { type EntrySlab, type EntryTimes, flags, keptWeight } from './entry-slab.ts';
import type { KeyIndex } from './key-index.ts';
import type { LiveCurve } from './live-curve.ts';
import {
  evicted,
  invalidated,
  type NearRoom,
  type RemovalCause,
  removalCauses,
  replaced,
  type RoomOwner,
} from './near-room.ts';

/** Entries of one cache that have left the near tier, by cause. */
export type Removals = Record<RemovalCause, number>;

/** Told of each entry that has left, by the name of its index. It must not call the tier. */
export type RemovalListener = (index: string, key: KeyPart, value: unknown, cause: RemovalCause) => void;

/** What a new entry is, beside its key and value. */
export interface EntryNature extends EntryTimes {
  /** Stands for `notFound`. */
  readonly negative: boolean;
  /** The value is private: hand out copies only. */
  readonly copied: boolean;
}

/** What the tier gives all its indexes. */
export interface IndexParts {
  readonly name: string;
  readonly room: NearRoom;
  readonly keys: KeyIndex;
  readonly weight: EntryWeight;
  readonly curve: LiveCurve;
  readonly removed: RemovalListener | undefined;
}

/**
 * One cache's entries in the near tier, by key: a part as it is, or several encoded as one string. `1`, `'1'`, `1n` and `true` are different
 * keys. An entry is named by its slot in `slab`, which is good until the next call that changes something. Nothing here reads a clock.
 */
export class NearIndex implements RoomOwner {
  readonly name: string;
  readonly slab: EntrySlab;
  /** Entries that have left, by number of the cause. */
  protected readonly counts: number[] = [0, 0, 0, 0];
  protected readonly room: NearRoom;
  readonly #policy: NearRoom['policy'];
  readonly #keys: KeyIndex;
  protected readonly weigh: EntryWeight;
  readonly #curve: LiveCurve;
  protected readonly removed: RemovalListener | undefined;
  /** The room's number for this index and its generation. */
  protected owner: number;
  #open = true;

  /** Made by `NearTier.index`. */
  constructor(parts: IndexParts) {
    this.name = parts.name;
    this.slab = parts.room.slab;
    this.room = parts.room;
    this.#policy = parts.room.policy;
    this.#keys = parts.keys;
    this.weigh = parts.weight;
    this.#curve = parts.curve;
    this.removed = parts.removed;
    this.owner = parts.room.own(this);
  }

  /** How many entries have left so far, and why. Those of a `clear` count at once. */
  get removals(): Removals {
    const [evicted, expired, invalidated, replaced] = this.counts as [number, number, number, number];
    return { evicted, expired, invalidated, replaced };
  }

  /** Live entries. */
  get size(): number {
    return this.#keys.size;
  }

  /** The slot of an entry, which counts as used, or -1. Fresh or not is for the caller to see. */
  get(key: KeyPart): number {
    const slot = this.#keys.find(key);
    if (slot >= 0) this.use(slot);
    else this.#curve.request(this.#keys.hash(key));
    return slot;
  }

  /** The slot of an entry that is fresh now, which counts as used, or -1: what a hit takes, in one call. */
  fresh(key: KeyPart, now: number): number {
    const slot = this.#keys.find(key);
    if (slot < 0 || !this.slab.freshAt(slot, now)) return -1;
    this.#policy.hit(slot);
    this.#curve.request(this.slab.hashOf(slot));
    return slot;
  }

  /** The slot of an entry, which does not count as used, or -1. */
  look(key: KeyPart): number {
    return this.#keys.find(key);
  }

  /** An entry that was looked up is used. */
  use(slot: number): void {
    this.#policy.hit(slot);
    this.#curve.request(this.slab.hashOf(slot));
  }

  /** An entry of a snapshot was asked for in its former life: the policy may know, the estimate of this life may not. */
  recall(slot: number): void {
    this.#policy.hit(slot);
    this.slab.flag(slot, flags.hot);
  }

  /** The promise that is kept for the value of a hot entry. */
  promise(slot: number): Promise<unknown> | undefined {
    return this.room.promises.get(slot);
  }

  /** A promise of the value, which may be kept from the second time on. */
  offer(slot: number, promise: Promise<unknown>): void {
    if (this.slab.has(slot, flags.hot)) this.room.promises.offer(slot, promise);
    else this.slab.flag(slot, flags.hot);
  }

  /**
   * Keeps a sealed value of `bytes` estimated bytes in place of what the key had. Others are evicted as needed. The slot; -1 if it is not
   * kept: it exceeds the budget alone, room for it would take too long in one call, or the tier is closed. Then nothing older of
   * that key remains.
   */
  put(key: KeyPart, value: unknown, bytes: number, nature: EntryNature, now: number): number {
    if (!this.#open) return -1;
    const slot = this.#keys.find(key);
    return slot < 0 ? this.#add(key, value, bytes, nature, now) : this.replace(slot, value, bytes, nature);
  }

  #add(key: KeyPart, value: unknown, bytes: number, nature: EntryNature, now: number): number {
    const weight = keptWeight(this.weigh(key, bytes));
    if (weight > this.room.maxBytes) return -1;
    const slot = this.room.add(key, this.#keys.hash(key), value, weight, this.owner, nature, now);
    if (slot < 0) return -1;
    this.#keys.add(slot);
    this.#flag(slot, nature);
    return slot;
  }

  /** `put` where the slot of the key is known. */
  protected replace(slot: number, value: unknown, bytes: number, nature: EntryNature): number {
    const weight = keptWeight(this.weigh(this.slab.keyOf(slot), bytes));
    if (weight > this.room.maxBytes) this.room.remove(slot, evicted);
    else if (this.room.replace(slot, value, weight, this.owner, nature)) {
      this.#flag(slot, nature);
      return slot;
    }
    return -1;
  }

  #flag(slot: number, nature: EntryNature): void {
    if (nature.negative) this.slab.flag(slot, flags.negative);
    if (nature.copied) this.slab.flag(slot, flags.copied);
  }

  /** Whether there was one. */
  delete(key: KeyPart): boolean {
    const slot = this.#keys.find(key);
    if (slot < 0) return false;
    this.room.remove(slot, invalidated);
    return true;
  }

  /** Empties the index at once, however large it is; the memory comes back bit by bit. */
  clear(): void {
    const { size } = this.#keys;
    if (size === 0) return;
    this.#keys.clear();
    // Those that are swept later are counted now.
    this.counts[invalidated]! += size;
    this.room.disown(this.owner, size);
    this.owner = this.room.own(this);
  }

  /** For the tier alone, which is closed: forgets everything, and keeps nothing from now on. */
  close(): void {
    this.#open = false;
    this.#keys.clear();
  }

  leaves(slot: number, cause: number): void {
    this.counts[cause]!++;
    if (cause !== replaced) this.#keys.remove(slot, this.slab.hashOf(slot));
    if (this.removed !== undefined) this.tell(slot, cause);
  }

  swept(slot: number): void {
    this.tell(slot, invalidated);
  }

  protected tell(slot: number, cause: number): void {
    this.removed?.(this.name, this.slab.keyOf(slot), this.slab.valueOf(slot), removalCauses[cause]!);
  }
}
