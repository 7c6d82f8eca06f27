import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { SlotLists } from './slot-lists.ts';

/** All entries, the one that was asked for the longest ago first. */
const list = 0;

/**
 * LRU: the entry goes that has not been asked for the longest (Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques
 * for storage hierarchies", 1970).
 *
 * Choose it when what was asked for last is what will be asked for next, or as the yardstick for the others: everybody
 * knows it, it has nothing to tune, and while all entries weigh the same, more room never costs it a hit. A loop longer than
 * the capacity gets no hits at all, and one scan throws everything out.
 *
 * Cost: one splice per hit, 8 bytes per slot.
 */
export class LruPolicy implements Policy {
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

  hit(slot: number): void {
    this.#lists.moveToEnd(list, slot);
  }

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
