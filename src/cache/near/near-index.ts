import type { KeyPart } from '../../core/key.ts';
import { entryWeight } from './entry-weight.ts';
import type { NearBudget } from './near-budget.ts';
import { NearEntry } from './near-entry.ts';
import { SegmentedMap } from './segmented-map.ts';

/**
 * One cache's entries in the near tier, by key: a part as it is, or several encoded as one string. `1`, `'1'`, `1n` and `true`
 * are different keys. Nothing here reads a clock.
 */
export class NearIndex {
  readonly name: string;
  /** Goes up with each `clear`. */
  generation = 0;
  readonly #budget: NearBudget;
  readonly #policy: NearBudget['policy'];
  readonly #seed: number;
  #map: SegmentedMap<NearEntry>;
  #open = true;

  /** Made by `NearTier.index`. */
  constructor(name: string, budget: NearBudget, seed: number) {
    this.name = name;
    this.#budget = budget;
    this.#policy = budget.policy;
    this.#seed = seed;
    this.#map = new SegmentedMap(seed);
  }

  /** Live entries. */
  get size(): number {
    return this.#map.size;
  }

  /** The entry, which counts as used. Fresh or not is for the caller to see. */
  get(key: KeyPart): NearEntry | undefined {
    const entry = this.#map.get(key);
    if (entry !== undefined) this.#policy.hit(entry.slot);
    return entry;
  }

  /** The entry, which does not count as used. */
  look(key: KeyPart): NearEntry | undefined {
    return this.#map.get(key);
  }

  /**
   * Keeps a sealed value of `bytes` estimated bytes in an entry of its own, in place of what the key had. Others are evicted
   * as needed. `undefined` if it is not kept: it exceeds the budget alone, room for it would take too long in one call, the
   * policy did not admit it, or the tier is closed. Then nothing older of that key remains.
   */
  put(key: KeyPart, value: unknown, bytes: number): NearEntry | undefined {
    if (!this.#open) return undefined;
    const old = this.#map.get(key);
    const weight = entryWeight(key, bytes);
    if (weight > this.#budget.maxBytes) {
      if (old !== undefined) this.#remove(old);
      return undefined;
    }
    const entry = new NearEntry(this, key, value, weight, this.generation);
    if (old === undefined) {
      this.#map.add(key, entry);
      this.#budget.add(entry);
    } else {
      this.#map.replace(key, entry);
      this.#budget.replace(old, entry);
    }
    return entry.slot === -1 ? undefined : entry;
  }

  /** Whether there was one. */
  delete(key: KeyPart): boolean {
    const entry = this.#map.get(key);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  /** Empties the index at once, however large it is; the memory comes back bit by bit. */
  clear(): void {
    this.generation++;
    if (this.#map.size === 0) return;
    this.#budget.bury(this.#map.maps());
    this.#map = new SegmentedMap(this.#seed);
  }

  /** For the tier alone, which is closed: forgets everything, and keeps nothing from now on. */
  close(): void {
    this.#open = false;
    this.generation++;
    this.#map = new SegmentedMap(this.#seed);
  }

  /** For the budget alone: the entry was evicted. */
  forget(entry: NearEntry): void {
    this.#map.delete(entry.key);
  }

  #remove(entry: NearEntry): void {
    this.#map.delete(entry.key);
    this.#budget.remove(entry);
  }
}
