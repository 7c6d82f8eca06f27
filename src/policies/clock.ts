import type { Policy } from './policy.ts';
import { ByteSlots, Int32Slots } from './slot-array.ts';

/** Entries that the hand passes at most for one newcomer: some tenths of a millisecond. */
const longestWay = 65_536;

/**
 * CLOCK, also called second chance or FIFO reinsertion (Corbató, "A paging experiment with the Multics system", 1968):
 * entries stand in a ring in the order they came. A hit sets the entry's bit. The hand passes entries whose bit is set,
 * clearing it, and stops at the first whose bit is not. A newcomer comes in behind the hand with its bit clear, and is the
 * last that the hand reaches.
 *
 * Cost: a hit writes one byte; 9 bytes per slot. The way of the hand is bounded: after `longestWay` set bits since the last
 * newcomer, the entry under the hand goes all the same, as among so many used ones the order of arrival is all there is.
 */
export class ClockPolicy implements Policy {
  readonly #next = new Int32Slots();
  readonly #previous = new Int32Slots();
  readonly #referenced = new ByteSlots();
  #hand = -1;
  #newest = -1;
  #size = 0;
  #way = longestWay;

  get size(): number {
    return this.#size;
  }

  hit(slot: number): void {
    this.#referenced.set(slot, 1);
  }

  insert(slot: number): void {
    this.#next.reserve(slot);
    this.#previous.reserve(slot);
    this.#referenced.reserve(slot);
    this.#referenced.set(slot, 0);
    if (this.#size++ === 0) {
      this.#next.set(slot, slot);
      this.#previous.set(slot, slot);
      this.#hand = slot;
    } else {
      const last = this.#previous.get(this.#hand);
      this.#link(last, slot);
      this.#link(slot, this.#hand);
    }
    this.#newest = slot;
    this.#way = longestWay;
  }

  remove(slot: number): void {
    const next = this.#next.get(slot);
    this.#link(this.#previous.get(slot), next);
    if (slot === this.#hand) this.#hand = next;
    if (slot === this.#newest) this.#newest = -1;
    if (--this.#size === 0) this.#hand = -1;
  }

  victim(): number {
    if (this.#size < 2) return this.#hand;
    let hand = this.#hand;
    for (; this.#way > 0 && this.#referenced.get(hand) === 1; this.#way--) {
      this.#referenced.set(hand, 0);
      hand = this.#next.get(hand);
    }
    const newest = this.#newest;
    if (hand === newest) {
      // The hand gets to the newcomer only after it has cleared every other bit.
      hand = this.#next.get(hand);
    } else if (newest !== -1 && this.#next.get(newest) !== hand) {
      // The newcomer comes after those that were passed: it takes the victim's place.
      this.#link(this.#previous.get(newest), this.#next.get(newest));
      this.#link(this.#previous.get(hand), newest);
      this.#link(newest, hand);
    }
    this.#hand = hand;
    return hand;
  }

  #link(before: number, after: number): void {
    this.#next.set(before, after);
    this.#previous.set(after, before);
  }
}
