import type { SlotLists } from './slot-lists.ts';

/**
 * A list that is read as a ring, with a hand that goes around it. Where the hand stands is the old end: what comes in stands
 * behind it and is the last that it reaches. So the hand passes an entry where a queue would have to move it to its end.
 */
export class SlotRing {
  /** The slot at the hand, below 0 if the ring is empty. */
  hand = -1;
  readonly #lists: SlotLists;
  readonly #list: number;

  constructor(lists: SlotLists, list: number) {
    this.#lists = lists;
    this.#list = list;
  }

  /** Puts in a slot that is in no list. */
  insert(slot: number): void {
    if (this.hand >= 0) this.#lists.insertBefore(this.hand, slot);
    else {
      this.#lists.append(this.#list, slot);
      this.hand = slot;
    }
  }

  /** Takes out a slot that is in. */
  take(slot: number): void {
    if (slot === this.hand) {
      this.pass();
      if (slot === this.hand) this.hand = -1;
    }
    this.#lists.take(slot);
  }

  /** Moves the hand on by one. */
  pass(): void {
    const next = this.#lists.next(this.hand);
    this.hand = next < 0 ? this.#lists.first(this.#list) : next;
  }
}
