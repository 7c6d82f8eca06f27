import type { Policy, PolicyOptions } from './policy.ts';
import { SlotLists } from './slot-lists.ts';
import { TinyLfuSegments } from './tiny-lfu-segments.ts';
import { WindowChooser } from './window-chooser.ts';

export class WTinyLfuPolicy implements Policy {
  readonly #segments: TinyLfuSegments;
  readonly #chooser: WindowChooser;
  readonly #hashOf: (slot: number) => number;
  #fitted = 0;
  readonly #unit: boolean;
  /** Entries have had to go: what is inside is what fits. */
  #full = false;

  constructor(options: PolicyOptions) {
    this.#hashOf = options.hashOf;
    this.#unit = options.weightOf === undefined;
    this.#chooser = new WindowChooser(options.seed);
    this.#segments = new TinyLfuSegments({
      ...options,
      share: this.#chooser.share,
      lists: new SlotLists(3),
      firstList: 0,
    });
    this.#fit();
  }

  get size(): number {
    return this.#segments.size;
  }

  get weight(): number {
    return this.#segments.weight;
  }

  hit(slot: number): void {
    if (this.#segments.hit(slot)) this.#record(this.#hashOf(slot));
  }

  miss(): void {}

  insert(slot: number): void {
    const hash = this.#hashOf(slot);
    const sampled = this.#chooser.samples(hash);
    this.#segments.insert(slot, sampled);
    if (!this.#unit && this.#segments.size >= this.#fitted) this.#fit();
    if (sampled) this.#record(hash);
  }

  remove(slot: number): void {
    this.#segments.remove(slot);
  }

  reweigh(slot: number, difference: number): void {
    this.#segments.reweigh(slot, difference);
  }

  victim(): number {
    this.#full = true;
    return this.#segments.victim();
  }

  resize(capacity: number): void {
    this.#full = false;
    this.#segments.capacity = capacity;
    this.#fit();
  }

  #record(hash: number): void {
    if (this.#full) this.#chooser.sampled = this.#segments.marked;
    if (this.#chooser.record(hash)) this.#segments.share = this.#chooser.share;
  }

  #fit(): void {
    this.#chooser.fit(this.#segments.entries);
    this.#fitted = Math.max(64, 2 * this.#segments.size);
  }
}
