import { ShadowCache } from './shadow-cache.ts';
import { SlotLists } from './slot-lists.ts';

/** Windows that are tried, as shares of the capacity. More of them change nothing that can be measured. */
const shares = [0.01, 0.2, 0.8];

/** Entries of a shadow at most, and at least, whatever the sample is. 256 or 512 bring nothing that can be measured. */
const mostShadowed = 128;
const leastShadowed = 16;

/** A decision after so many sampled requests per shadow entry: 4 or 8 are the same, 2 is bad. */
const period = 4;

/** The weight of the newest period in the average of a shadow's hit ratio. */
const newest = 0.3;

/** After so many decisions in a row for the window that is there already, the shadows rest for so many periods after each: a third of the price, and nothing that can be measured. */
const steadyDecisions = 8;
const restingPeriods = 3;

/** What another window must be better by. */
const hysteresis = 0.002;

/** The window moves at most by so much of the capacity per decision: going at once, or deciding sooner at the start, follows chance. */
const longestStep = 0.15;

/**
 * Chooses the window of a W-TinyLFU cache: shadows with fixed windows see a sample of the requests, and the window goes towards the one
 * that had the most hits. A climber, which changes the window and looks whether that was good, mistakes changes of the load for its
 * own doing; the shadows see the same requests side by side. Constant memory, about 150 KB.
 */
export class WindowChooser {
  /** The share that the window should have now. */
  share: number = shares[0]!;
  /** Requests whose mixed hash is below are sampled. */
  #threshold = 0;
  readonly #seed: number;
  #capacity = 0;
  #sampled = 0;
  #shadows: ShadowCache[] = [];
  #averages = new Float64Array(0);
  #best = 0;
  /** The shadows are full: from now on their hits say something. */
  #compared = false;
  #steady = 0;
  /** Sampled requests that are not looked at yet. */
  #resting = 0;
  #requests = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The cache holds about so many entries. The shadows begin anew if their sample was for a cache of another size. */
  fit(entries: number): void {
    const rate = Math.min(1, mostShadowed / entries);
    this.#threshold = rate * 2 ** 32;
    const capacity = Math.max(leastShadowed, Math.round(entries * rate));
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#sampled = 0;
    const lists = new SlotLists(3 * shares.length);
    this.#shadows = shares.map(
      (share, number) => new ShadowCache(number, 2 * capacity, capacity, share, lists, this.#seed),
    );
    this.#averages = new Float64Array(shares.length).fill(-1);
    this.#compared = false;
    this.#requests = 0;
  }

  /**
   * So many sampled keys are in the full cache. The sample may have more or fewer of them than its rate promises; shadows that are
   * too large for it would hold a whole loop of which the cache holds but a part, and all would seem to be equally good.
   */
  set sampled(count: number) {
    this.#sampled = Math.max(leastShadowed, Math.min(2 * this.#capacity, count));
    if (!this.#compared) this.#resize();
  }

  /** Whether a key of this hash is in the sample. */
  samples(hash: number): boolean {
    return mixed(hash) >>> 0 < this.#threshold;
  }

  /** A sampled key was asked for. True: `share` has changed. */
  record(hash: number): boolean {
    if (this.#resting > 0) {
      this.#resting--;
      return false;
    }
    for (const shadow of this.#shadows) shadow.request(hash);
    if (!this.#compared) {
      // While nothing has to go, a large window looks best: it has not had to choose yet.
      if (this.#shadows[0]!.full) this.#begin();
      return false;
    }
    return ++this.#requests >= period * this.#capacity && this.#decide();
  }

  #resize(): void {
    for (const shadow of this.#shadows) shadow.capacity = this.#sampled;
  }

  #begin(): void {
    this.#compared = true;
    for (const shadow of this.#shadows) shadow.hits = 0;
  }

  #decide(): boolean {
    let most = -1;
    let best = this.#best;
    for (const [index, shadow] of this.#shadows.entries()) {
      const ratio = shadow.hits / this.#requests;
      shadow.hits = 0;
      const before = this.#averages[index]!;
      const average = before < 0 ? ratio : before + newest * (ratio - before);
      this.#averages[index] = average;
      const worth = average + (index === this.#best ? hysteresis : 0);
      if (worth > most) {
        most = worth;
        best = index;
      }
    }
    if (this.#sampled > 0) this.#resize();
    this.#requests = 0;
    const wanted = shares[best]!;
    this.#steady = best === this.#best && wanted === this.share ? this.#steady + 1 : 0;
    if (this.#steady >= steadyDecisions) this.#resting = restingPeriods * period * this.#capacity;
    this.#best = best;
    const before = this.share;
    const step = Math.max(-longestStep, Math.min(longestStep, wanted - before));
    this.share = before + step;
    return step !== 0;
  }
}

/** Other bits than those that choose a block of the sketch or a cell of an index. */
function mixed(hash: number): number {
  let mix = Math.imul(hash ^ 0x2545f491, 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}
