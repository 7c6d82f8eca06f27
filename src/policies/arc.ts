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
  readonly #lists = new SlotLists(2);
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
    // Entries that leave unasked, and a capacity that falls, leave more ghosts than there may be.
    this.#forgetOnce(this.#capacity);
    this.#forgetOften(2 * this.#capacity);
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
  }

  remove(slot: number): void {
    this.#lists.take(slot);
    this.#weightOf(this.#listOf.get(slot)).subtract(slot);
  }

  reweigh(slot: number, difference: number): void {
    this.#weightOf(this.#listOf.get(slot)).weight += difference;
  }

  victim(): number {
    if (this.#returning === nowhere) {
      if (this.#once.weight + this.#onceGhosts.weight >= this.#capacity) {
        if (this.#onceGhosts.size === 0) return this.#lists.first(once);
        this.#forgetOnce(this.#capacity - 1);
      } else this.#forgetOften(2 * this.#capacity - 1);
    }
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

  /** Forgets ghosts of T1 until they and T1 weigh no more than this. */
  #forgetOnce(limit: number): void {
    const ghosts = this.#onceGhosts;
    for (let most = forgottenAtOnce; most > 0 && ghosts.size > 0; most--) {
      if (this.#once.weight + ghosts.weight <= limit) return;
      ghosts.dropOldest();
    }
  }

  /** Forgets ghosts of T2 until all that is inside or remembered weighs no more than this. */
  #forgetOften(limit: number): void {
    const ghosts = this.#oftenGhosts;
    for (let most = forgottenAtOnce; most > 0 && ghosts.size > 0; most--) {
      if (this.weight + this.#onceGhosts.weight + ghosts.weight <= limit) return;
      ghosts.dropOldest();
    }
  }

  #weightOf(list: number): ResidentWeight {
    return list === once ? this.#once : this.#often;
  }
}
