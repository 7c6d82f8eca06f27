import { HandWay } from './hand-way.ts';
import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { BitSlots } from './slot-array.ts';
import { SlotLists } from './slot-lists.ts';
import { SlotRing } from './slot-ring.ts';

/**
 * CLOCK, also called second chance or FIFO reinsertion (Corbató, "A paging experiment with the Multics system", 1968):
 * entries stand in a ring in the order they came. A hit sets the entry's bit. The hand passes entries whose bit is set,
 * clearing it, and stops at the first whose bit is not: that one goes. A newcomer comes in behind the hand with its bit
 * clear, and is the last that the hand reaches.
 *
 * Choose it for about the hits of LRU at the least work per hit.
 *
 * Cost: a hit sets one bit; 8.2 bytes per slot. The way of the hand is bounded (`HandWay`).
 */
export class ClockPolicy implements Policy {
  readonly #lists: SlotLists;
  readonly #ring: SlotRing;
  readonly #referenced = new BitSlots();
  readonly #inside: ResidentWeight;
  readonly #way = new HandWay();

  constructor(options: PolicyOptions) {
    this.#inside = new ResidentWeight(options.weightOf);
    this.#lists = new SlotLists(1, () => this.#inside.fitting(options.capacity));
    this.#ring = new SlotRing(this.#lists, 0);
  }

  get size(): number {
    return this.#inside.size;
  }

  get weight(): number {
    return this.#inside.weight;
  }

  hit(slot: number): void {
    this.#referenced.set(slot, 1);
  }

  miss(): void {
    this.#way.renew();
  }

  insert(slot: number): void {
    this.#lists.reserve(slot);
    this.#referenced.reserve(slot);
    this.#referenced.set(slot, 0);
    this.#ring.insert(slot);
    this.#inside.add(slot);
  }

  remove(slot: number): void {
    this.#ring.take(slot);
    this.#inside.subtract(slot);
  }

  reweigh(_slot: number, difference: number): void {
    this.#inside.weight += difference;
  }

  victim(): number {
    const ring = this.#ring;
    if (ring.hand < 0) return -1;
    let way = this.#way.begin();
    for (; way > 0 && this.#referenced.get(ring.hand) === 1; way--) {
      this.#referenced.set(ring.hand, 0);
      ring.pass();
    }
    this.#way.end(way);
    return ring.hand;
  }

  resize(): void {}
}
