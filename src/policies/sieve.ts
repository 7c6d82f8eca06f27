import { HandWay } from './hand-way.ts';
import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { BitSlots } from './slot-array.ts';
import { SlotLists } from './slot-lists.ts';

/** All entries in the order they came. */
const list = 0;

/**
 * SIEVE (Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is simpler than LRU", NSDI 2024, section 3.1): entries stand in a
 * queue in the order they came and never change places. A hit marks the entry. A hand goes from the oldest to the newest:
 * it clears marks and stops at the first entry without one, which goes; after the newest it starts anew at the oldest. A
 * newcomer comes to the newest end, so that what was not asked for again soon goes before what was.
 *
 * Choose it for web-like loads with many keys that come once. Do not make it a default: when the hand has come to the
 * newest end, the newcomers can be all that it ever sees, and what is old and dead stays until the load changes.
 *
 * Cost: a hit sets one bit; 8.2 bytes per slot. The way of the hand is bounded (`HandWay`).
 */
export class SievePolicy implements Policy {
  readonly #lists: SlotLists;
  readonly #visited = new BitSlots();
  readonly #inside: ResidentWeight;
  readonly #way = new HandWay();
  /** The entry that is looked at next; below 0: the oldest is. */
  #hand = -1;

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
    this.#visited.set(slot, 1);
  }

  miss(): void {
    this.#way.renew();
  }

  insert(slot: number): void {
    this.#lists.reserve(slot);
    this.#visited.reserve(slot);
    this.#visited.set(slot, 0);
    this.#lists.append(list, slot);
    this.#inside.add(slot);
  }

  remove(slot: number): void {
    if (slot === this.#hand) this.#hand = this.#lists.next(slot);
    this.#lists.take(slot);
    this.#inside.subtract(slot);
  }

  reweigh(_slot: number, difference: number): void {
    this.#inside.weight += difference;
  }

  victim(): number {
    let hand = this.#hand < 0 ? this.#lists.first(list) : this.#hand;
    if (hand < 0) return -1;
    let way = this.#way.begin();
    for (; way > 0 && this.#visited.get(hand) === 1; way--) {
      this.#visited.set(hand, 0);
      hand = this.#lists.next(hand);
      if (hand < 0) hand = this.#lists.first(list);
    }
    this.#way.end(way);
    this.#hand = hand;
    return hand;
  }

  resize(): void {}
}
