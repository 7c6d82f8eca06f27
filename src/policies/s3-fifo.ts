import { GhostQueue } from './ghost-queue.ts';
import { HandWay } from './hand-way.ts';
import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { ByteSlots } from './slot-array.ts';
import { SlotLists } from './slot-lists.ts';
import { SlotRing } from './slot-ring.ts';

/** The two queues, the entry that came first first. */
const small = 0;
const main = 1;

/** The share of the capacity that the small queue gets (section 4.1), and what may be remembered of those that have gone. */
const smallShare = 0.1;
const ghostShare = 0.9;
/** An entry that was hit so often in the small queue is promoted to the main one. */
const promotedFrom = 2;
/** Entries that the hand passes at most for one newcomer: half as many as CLOCK's, whose marks are bits and so mostly in the processor's caches. */
export const mostPassed = 8192;
/** A promotion costs as much as this many entries that a hand passes. */
const promotionSteps = 4;
/** Hits are counted up to here: two bits (section 4.1). */
const mostHits = 3;
/** Ghosts that are forgotten at most for one newcomer, besides `shortestWay` for each further entry that goes for it: a heavy ghost may stand against very many light ones. */
export const mostForgotten = 1024;

/** What is kept in a slot's byte: the number of hits, and this bit for the main queue. */
const inMain = 4;

/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023, section 4.1 and
 * algorithm 1): newcomers pass through a small queue. One that was hit there is promoted to the main queue, the others go
 * and are remembered as ghosts; one that comes back while it is a ghost comes straight to the main queue. The main queue
 * gives a second chance for each hit, up to three.
 *
 * Choose it for web and key-value loads with many keys that come once. Loops and scans longer than the capacity get few
 * hits.
 *
 * The constants are the paper's and those of its authors' simulator, libCacheSim: two hits promote, ghosts may weigh nine
 * tenths of the capacity. Until something has to go, all newcomers stand in the small queue, as they do there.
 *
 * Cost: a hit writes one byte. 9 bytes per slot, 20 to 24 per ghost. The way of the hand is bounded (`HandWay`).
 */
export class S3FifoPolicy implements Policy {
  readonly #lists: SlotLists;
  readonly #mainRing: SlotRing;
  readonly #marks = new ByteSlots();
  readonly #small: ResidentWeight;
  readonly #main: ResidentWeight;
  readonly #ghosts: GhostQueue;
  readonly #hashOf: (slot: number) => number;
  readonly #way = new HandWay(mostPassed);
  readonly #forgetting = new HandWay(mostForgotten);
  #capacity: number;
  /** Whether the key that will be inserted next was a ghost. */
  #returning = false;

  constructor(options: PolicyOptions) {
    this.#small = new ResidentWeight(options.weightOf);
    this.#main = new ResidentWeight(options.weightOf);
    this.#lists = new SlotLists(2, () => this.#small.fitting(options.capacity));
    this.#mainRing = new SlotRing(this.#lists, main);
    this.#ghosts = new GhostQueue(options.weightOf !== undefined);
    this.#hashOf = options.hashOf;
    this.#capacity = options.capacity;
  }

  get size(): number {
    return this.#small.size + this.#main.size;
  }

  get weight(): number {
    return this.#small.weight + this.#main.weight;
  }

  /** What is remembered of entries that have gone: for tests. */
  get ghosts(): { readonly size: number; readonly weight: number } {
    return this.#ghosts;
  }

  hit(slot: number): void {
    const mark = this.#marks.get(slot);
    if ((mark & mostHits) < mostHits) this.#marks.set(slot, mark + 1);
  }

  miss(hash: number): void {
    this.#way.renew();
    this.#forgetting.renew();
    this.#returning = this.#ghosts.take(hash) > 0;
  }

  insert(slot: number): void {
    this.#lists.reserve(slot);
    this.#marks.reserve(slot);
    if (this.#returning) {
      this.#marks.set(slot, inMain);
      this.#mainRing.insert(slot);
      this.#main.add(slot);
    } else {
      this.#marks.set(slot, 0);
      this.#lists.append(small, slot);
      this.#small.add(slot);
    }
  }

  remove(slot: number): void {
    if (this.#marks.get(slot) >= inMain) {
      this.#mainRing.take(slot);
      this.#main.subtract(slot);
    } else {
      this.#lists.take(slot);
      this.#small.subtract(slot);
    }
  }

  reweigh(slot: number, difference: number): void {
    const queue = this.#marks.get(slot) >= inMain ? this.#main : this.#small;
    queue.weight += difference;
  }

  victim(): number {
    let way = this.#way.begin();
    let found = -1;
    if (this.#main.weight <= this.#capacity - this.#smallLimit()) {
      found = this.#lists.first(small);
      for (; way > 0 && found >= 0 && this.#marks.get(found) >= promotedFrom; way -= promotionSteps) {
        this.#promote(found);
        found = this.#lists.first(small);
      }
      if (found >= 0) this.#remember(found);
    }
    if (found < 0) {
      const ring = this.#mainRing;
      for (; way > 0 && ring.hand >= 0 && this.#marks.get(ring.hand) > inMain; way--) {
        this.#marks.set(ring.hand, this.#marks.get(ring.hand) - 1);
        ring.pass();
      }
      found = ring.hand;
    }
    this.#way.end(way);
    return found;
  }

  resize(capacity: number): void {
    this.#capacity = capacity;
  }

  #smallLimit(): number {
    return Math.max(1, Math.floor(this.#capacity * smallShare));
  }

  /** Moves an entry from the small to the main queue, its hits forgotten. */
  #promote(slot: number): void {
    this.#lists.take(slot);
    this.#small.subtract(slot);
    this.#marks.set(slot, inMain);
    this.#mainRing.insert(slot);
    this.#main.add(slot);
  }

  #remember(slot: number): void {
    const limit = Math.floor(this.#capacity * ghostShare);
    const weight = this.#small.of(slot);
    if (weight > limit) return;
    let left = this.#forgetting.begin();
    for (; left > 0 && this.#ghosts.weight + weight > limit; left--) this.#ghosts.dropOldest();
    this.#forgetting.end(left);
    this.#ghosts.add(this.#hashOf(slot), weight);
  }
}
