import { Chance } from './chance.ts';
import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { Int32Slots } from './slot-array.ts';

/**
 * Random: any entry goes, each with the same chance (Belady, "A study of replacement algorithms for a virtual-storage
 * computer", 1966).
 *
 * Choose it as the yardstick that knows nothing, or against loops that are a little longer than the capacity, where LRU and
 * FIFO never hit.
 *
 * Cost: nothing per hit, three writes per newcomer; 8 bytes per slot.
 */
export class RandomPolicy implements Policy {
  /** The slots that are inside, in no order, at the places 0 to size - 1. */
  readonly #slots = new Int32Slots();
  /** The place of each slot that is inside. */
  readonly #places = new Int32Slots();
  readonly #inside: ResidentWeight;
  readonly #chance: Chance;

  constructor(options: PolicyOptions) {
    this.#inside = new ResidentWeight(options.weightOf);
    this.#chance = new Chance(options.seed);
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
    const place = this.#inside.size;
    this.#slots.reserve(place);
    this.#places.reserve(slot);
    this.#slots.set(place, slot);
    this.#places.set(slot, place);
    this.#inside.add(slot);
  }

  remove(slot: number): void {
    this.#inside.subtract(slot);
    const place = this.#places.get(slot);
    const last = this.#slots.get(this.#inside.size);
    this.#slots.set(place, last);
    this.#places.set(last, place);
  }

  reweigh(_slot: number, difference: number): void {
    this.#inside.weight += difference;
  }

  victim(): number {
    const { size } = this.#inside;
    return size === 0 ? -1 : this.#slots.get(this.#chance.below(size));
  }

  resize(): void {}
}
