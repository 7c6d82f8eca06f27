import { lengthened } from './slot-array.ts';

const leastNodes = 64;

/**
 * A few doubly linked lists over slots; a slot is in one of them or in none. Both links of a slot lie side by side, so that
 * a splice touches few cache lines: 8 bytes per slot. Each list is a ring that is closed by a node of its own, which spares
 * every splice its special cases. In one piece, which grows by copying; where it is known how many slots are to be expected, not when there are many. What is not a slot is below 0.
 */
export class SlotLists {
  /** Of each node the one after it, then the one before it. */
  #links = new Int32Array(2 * leastNodes);
  /** Lists: their own nodes are the first, so the node of a slot is `slot + #count`. */
  readonly #count: number;

  readonly #expected: () => number;

  /** Empty lists, named by the numbers 0 to `count` - 1. `expected` tells how many slots there will be. */
  constructor(count: number, expected: () => number = () => 0) {
    this.#count = count;
    this.#expected = expected;
    this.reserve(0);
    for (let list = 0; list < count; list++) this.#link(list, list);
  }

  /** Must come before a slot is first put into a list. */
  reserve(slot: number): void {
    const node = slot + this.#count;
    if (2 * node >= this.#links.length)
      this.#links = lengthened(this.#links, node, 2, this.#expected() + this.#count);
  }

  /** The slot that stands first, below 0 for an empty list. */
  first(list: number): number {
    return this.#next(list) - this.#count;
  }

  /** The slot that stands last, below 0 for an empty list. */
  last(list: number): number {
    return this.#previous(list) - this.#count;
  }

  /** The slot after this one, below 0 for the last of its list. */
  next(slot: number): number {
    return this.#next(slot + this.#count) - this.#count;
  }

  /** The slot before this one, below 0 for the first of its list. */
  previous(slot: number): number {
    return this.#previous(slot + this.#count) - this.#count;
  }

  /** Puts a slot that is in no list at the end of this one. */
  append(list: number, slot: number): void {
    this.#insertBefore(list, slot + this.#count);
  }

  /** Puts a slot that is in no list at the beginning of this one. */
  prepend(list: number, slot: number): void {
    this.#insertBefore(this.#next(list), slot + this.#count);
  }

  /** Puts a slot that is in no list before another slot, into the list of that one. */
  insertBefore(position: number, slot: number): void {
    this.#insertBefore(position + this.#count, slot + this.#count);
  }

  /** Puts a slot that is in no list after another slot, into the list of that one. */
  insertAfter(position: number, slot: number): void {
    this.#insertBefore(this.#next(position + this.#count), slot + this.#count);
  }

  /** Takes a slot out of the list it is in. */
  take(slot: number): void {
    const links = this.#links;
    const place = (slot + this.#count) << 1;
    const next = links[place]!;
    const previous = links[place | 1]!;
    links[previous << 1] = next;
    links[(next << 1) | 1] = previous;
  }

  /** Takes a slot out of the list it is in and puts it at the end of this one. */
  moveToEnd(list: number, slot: number): void {
    const node = slot + this.#count;
    const next = this.#next(node);
    if (next === list) return;
    this.#link(this.#previous(node), next);
    this.#insertBefore(list, node);
  }

  #insertBefore(position: number, node: number): void {
    const links = this.#links;
    const before = links[(position << 1) | 1]!;
    links[before << 1] = node;
    links[(node << 1) | 1] = before;
    links[node << 1] = position;
    links[(position << 1) | 1] = node;
  }

  #link(before: number, after: number): void {
    this.#links[before << 1] = after;
    this.#links[(after << 1) | 1] = before;
  }

  #previous(node: number): number {
    return this.#links[(node << 1) | 1]!;
  }

  #next(node: number): number {
    return this.#links[node << 1]!;
  }
}
