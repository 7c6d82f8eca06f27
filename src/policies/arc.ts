import { GhostQueue } from './ghost-queue.ts';
import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { ByteSlots } from './slot-array.ts';
import { SlotLists } from './slot-lists.ts';

/** The two lists, each in the order of the last request: asked for once since they came (T1), and more than once (T2). */
const once = 0;
const often = 1;

/** Where the key that will be inserted next was a ghost. */
const nowhere = 0;
const amongOnce = 1;
const amongOften = 2;

/** Ghosts that are forgotten at most at one time: with weights, a heavy newcomer may stand against many light ones. */
const forgottenAtOnce = 64;

/**
 * ARC (Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4): two LRU lists, one for
 * what was asked for once (T1) and one for what was asked for again (T2). Of both it remembers what has gone (B1, B2), as
 * much as there is inside. A key that comes back from B1 says that T1 is too short, one from B2 that T2 is: the share `p`
 * that T1 should have follows them.
 *
 * Choose it where the load is unknown and must never fall much below LRU. Loops longer than the capacity get no hits.
 *
 * Where the paper leaves something open, libCacheSim decides: `p` and its steps are not rounded. With weights, p, the lists
 * and the ghosts are all measured in weight.
 *
 * Cost: one splice per hit; 9 bytes per slot, 20 to 24 per ghost.
 */
export class ArcPolicy implements Policy {
  readonly #lists: SlotLists;
  /** The list of each slot. */
  readonly #listOf = new ByteSlots();
  readonly #once: ResidentWeight;
  readonly #often: ResidentWeight;
  readonly #onceGhosts: GhostQueue;
  readonly #oftenGhosts: GhostQueue;
  readonly #hashOf: (slot: number) => number;
  #capacity: number;
  /** The weight that T1 should have: `p` in the paper. */
  #target = 0;
  #returning = nowhere;

  constructor(options: PolicyOptions) {
    const weighted = options.weightOf !== undefined;
    this.#once = new ResidentWeight(options.weightOf);
    this.#lists = new SlotLists(2, () => this.#once.fitting(options.capacity));
    this.#often = new ResidentWeight(options.weightOf);
    this.#onceGhosts = new GhostQueue(weighted);
    this.#oftenGhosts = new GhostQueue(weighted);
    this.#hashOf = options.hashOf;
    this.#capacity = options.capacity;
  }

  get size(): number {
    return this.#once.size + this.#often.size;
  }

  get weight(): number {
    return this.#once.weight + this.#often.weight;
  }

  hit(slot: number): void {
    if (this.#listOf.get(slot) === once) {
      this.#once.subtract(slot);
      this.#often.add(slot);
      this.#listOf.set(slot, often);
    }
    this.#lists.moveToEnd(often, slot);
  }

  miss(hash: number): void {
    const onceWeight = this.#onceGhosts.weight;
    const oftenWeight = this.#oftenGhosts.weight;
    this.#returning = nowhere;
    let weight = this.#onceGhosts.take(hash);
    if (weight > 0) {
      this.#returning = amongOnce;
      const step = weight * Math.max(oftenWeight / onceWeight, 1);
      this.#target = Math.min(this.#target + step, this.#capacity);
      return;
    }
    weight = this.#oftenGhosts.take(hash);
    if (weight > 0) {
      this.#returning = amongOften;
      const step = weight * Math.max(onceWeight / oftenWeight, 1);
      this.#target = Math.max(this.#target - step, 0);
    }
  }

  insert(slot: number): void {
    this.#lists.reserve(slot);
    this.#listOf.reserve(slot);
    const list = this.#returning === nowhere ? once : often;
    this.#returning = nowhere;
    this.#lists.append(list, slot);
    this.#listOf.set(slot, list);
    this.#weightOf(list).add(slot);
    this.#forget();
  }

  remove(slot: number): void {
    this.#lists.take(slot);
    this.#weightOf(this.#listOf.get(slot)).subtract(slot);
  }

  reweigh(slot: number, difference: number): void {
    this.#weightOf(this.#listOf.get(slot)).weight += difference;
  }

  victim(): number {
    // Case IV A of the paper: T1 fills the capacity alone, so what goes may not even be remembered.
    if (this.#returning === nowhere && this.#onceGhosts.size === 0 && this.#once.weight >= this.#capacity)
      return this.#lists.first(once);
    return this.#replace();
  }

  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#target = Math.min(this.#target, capacity);
  }

  /** The paper's REPLACE: the oldest of the list that has more than its share becomes a ghost. */
  #replace(): number {
    const { weight } = this.#once;
    const tooLong = weight > this.#target || (weight === this.#target && this.#returning === amongOften);
    const list = (this.#once.size > 0 && tooLong) || this.#often.size === 0 ? once : often;
    const victim = this.#lists.first(list);
    if (victim < 0) return -1;
    const ghosts = list === once ? this.#onceGhosts : this.#oftenGhosts;
    ghosts.add(this.#hashOf(victim), this.#once.of(victim));
    return victim;
  }

  /**
   * Forgets the oldest ghosts, until T1 and its ghosts weigh no more than the capacity, and all together no more than twice
   * as much. The paper makes this room before a newcomer comes, to the same end.
   */
  #forget(): void {
    let most = forgottenAtOnce;
    const capacity = this.#capacity;
    const onceGhosts = this.#onceGhosts;
    while (most-- > 0 && onceGhosts.size > 0 && this.#once.weight + onceGhosts.weight > capacity)
      onceGhosts.dropOldest();
    const oftenGhosts = this.#oftenGhosts;
    while (
      most-- > 0 &&
      oftenGhosts.size > 0 &&
      this.weight + onceGhosts.weight + oftenGhosts.weight > 2 * capacity
    )
      oftenGhosts.dropOldest();
  }

  #weightOf(list: number): ResidentWeight {
    return list === once ? this.#once : this.#often;
  }
}
