import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { SlotLists } from './slot-lists.ts';

/** All entries, the one that came first first. */
const list = 0;

/**
 * FIFO: the entry goes that came first, however often it was asked for (Belady, "A study of replacement algorithms for a
 * virtual-storage computer", 1966).
 *
 * Choose it to see what a policy is worth that looks at hits, or where a hit must cost nothing at all.
 *
 * Cost: nothing per hit, one splice per newcomer; 8 bytes per slot.
 */
export class FifoPolicy implements Policy {
  readonly #lists: SlotLists;
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

  hit(): void {}

  miss(): void {}

  insert(slot: number): void {
    this.#lists.reserve(slot);
    this.#lists.append(list, slot);
    this.#inside.add(slot);
  }

  remove(slot: number): void {
    this.#lists.take(slot);
    this.#inside.subtract(slot);
  }

  reweigh(_slot: number, difference: number): void {
    this.#inside.weight += difference;
  }

  victim(): number {
    return this.#lists.first(list);
  }

  resize(): void {}
}
