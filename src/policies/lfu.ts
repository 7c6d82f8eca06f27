import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { Int32Slots } from './slot-array.ts';
import { SlotLists } from './slot-lists.ts';

/** All entries, those that were asked for least first; among equals, the one first that has been equal the longest. */
const list = 0;
const mostRequests = 0x7fff_ffff;

/**
 * LFU: the entry goes that was asked for least often since it came; among equals, the one that was the first to get there.
 * What is known of an entry goes with it. The order is kept as in Shah, Mitra and Matani, "An O(1) algorithm for
 * implementing the LFU cache eviction scheme", 2010: entries that were asked for equally often are a group, and a hit moves
 * an entry to the end of the next group. Here the groups stand one after the other in one list, and of each only the last
 * entry needs to be known.
 *
 * Choose it for keys whose popularity does not change, or as a yardstick: what was popular once stays, and newcomers only
 * ever replace each other.
 *
 * Cost: one splice per hit at most; 12 bytes per slot, and 8 for each different number of requests.
 */
export class LfuPolicy implements Policy {
  readonly #lists: SlotLists;
  /** The group of each slot. */
  readonly #groups = new Int32Slots();
  /** By group: how often each of its entries was asked for. */
  readonly #requests = new Int32Slots();
  /** By group: the last of its entries. Groups that are not used are chained here. */
  readonly #lasts = new Int32Slots();
  /** The first group that is not used, below 0 if there is none. */
  #unused = -1;
  /** Groups that there are, used or not. */
  #made = 0;
  readonly #inside: ResidentWeight;

  constructor(options: PolicyOptions) {
    this.#inside = new ResidentWeight(options.weightOf);
    this.#lists = new SlotLists(1, () => this.#inside.fitting(options.capacity));
  }

  get size(): number {
    return this.#inside.size;
  }

  get weight(): number {
    return this.#inside.weight;
  }

  hit(slot: number): void {
    const group = this.#groups.get(slot);
    const last = this.#lasts.get(group);
    const requests = this.#requests.get(group);
    if (requests === mostRequests) return;
    const next = this.#groupOf(this.#lists.next(last));
    if (next >= 0 && this.#requests.get(next) === requests + 1) {
      this.#leave(slot, group);
      this.#lists.take(slot);
      this.#lists.insertAfter(this.#lasts.get(next), slot);
      this.#lasts.set(next, slot);
      this.#groups.set(slot, next);
    } else if (last === slot && this.#groupOf(this.#lists.previous(slot)) !== group) {
      this.#requests.set(group, requests + 1);
    } else {
      this.#leave(slot, group);
      if (last !== slot) {
        this.#lists.take(slot);
        this.#lists.insertAfter(last, slot);
      }
      this.#found(slot, requests + 1);
    }
  }

  miss(): void {}

  insert(slot: number): void {
    this.#lists.reserve(slot);
    this.#groups.reserve(slot);
    const first = this.#groupOf(this.#lists.first(list));
    if (first >= 0 && this.#requests.get(first) === 1) {
      this.#lists.insertAfter(this.#lasts.get(first), slot);
      this.#lasts.set(first, slot);
      this.#groups.set(slot, first);
    } else {
      this.#lists.prepend(list, slot);
      this.#found(slot, 1);
    }
    this.#inside.add(slot);
  }

  remove(slot: number): void {
    this.#leave(slot, this.#groups.get(slot));
    this.#lists.take(slot);
    this.#inside.subtract(slot);
  }

  reweigh(_slot: number, difference: number): void {
    this.#inside.weight += difference;
  }

  victim(): number {
    const first = this.#lists.first(list);
    return first < 0 ? -1 : first;
  }

  resize(): void {}

  #groupOf(slot: number): number {
    return slot < 0 ? -1 : this.#groups.get(slot);
  }

  /** The slot, which still stands at its place, is to be of this group no more. */
  #leave(slot: number, group: number): void {
    if (this.#lasts.get(group) !== slot) return;
    const previous = this.#lists.previous(slot);
    if (this.#groupOf(previous) === group) this.#lasts.set(group, previous);
    else {
      this.#lasts.set(group, this.#unused);
      this.#unused = group;
    }
  }

  /** Makes a new group of the one slot. */
  #found(slot: number, requests: number): void {
    let group = this.#unused;
    if (group >= 0) this.#unused = this.#lasts.get(group);
    else {
      group = this.#made++;
      this.#lasts.reserve(group);
      this.#requests.reserve(group);
    }
    this.#requests.set(group, requests);
    this.#lasts.set(group, slot);
    this.#groups.set(slot, group);
  }
}
