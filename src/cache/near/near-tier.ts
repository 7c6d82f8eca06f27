import { realRuntime } from '../../core/runtime.ts';
import { ClockPolicy } from '../../policies/clock.ts';
import type { Policy } from '../../policies/policy.ts';
import { NearBudget } from './near-budget.ts';
import type { NearEntry } from './near-entry.ts';
import { NearIndex } from './near-index.ts';

export interface NearTierOptions {
  /** Keys, values and what holds them, as estimated: the tier never counts more. */
  readonly maxBytes: number;
  /** Makes the policy that all indexes share. Default: CLOCK. */
  readonly policy?: () => Policy;
  /** Told of each entry that left for want of room, once it has. It must not call the tier. */
  readonly onEvict?: (entry: NearEntry) => void;
  /** The runtime's: sweeps what was cleared in the background. Without it, new entries sweep. */
  readonly defer?: (callback: () => void) => void;
  /** 32 bits for the hash of keys. Default: random, so that nobody outside can choose keys that collide. */
  readonly seed?: number;
}

/**
 * The in-process tier: live values under one budget of bytes for all caches of a process, each with an index of its own.
 * Synchronous throughout; no call takes longer than 5 ms at a million entries.
 */
export class NearTier {
  readonly #budget: NearBudget;
  readonly #seed: number;
  readonly #indexes: NearIndex[] = [];
  #closed = false;

  constructor(options: NearTierOptions) {
    const policy = options.policy?.() ?? new ClockPolicy();
    this.#budget = new NearBudget(options.maxBytes, policy, options.onEvict, options.defer);
    this.#seed = options.seed ?? realRuntime.random() * 2 ** 32;
  }

  /** A new index; the name is for people. */
  index(name: string): NearIndex {
    const index = new NearIndex(name, this.#budget, this.#seed);
    this.#indexes.push(index);
    if (this.#closed) index.close();
    return index;
  }

  /** Bytes counted, those of cleared entries included until they are swept. */
  get bytes(): number {
    return this.#budget.bytes;
  }

  get maxBytes(): number {
    return this.#budget.maxBytes;
  }

  /** Live entries of all indexes. */
  get size(): number {
    return this.#indexes.reduce((sum, index) => sum + index.size, 0);
  }

  /** Entries that hold memory: live ones, and cleared ones not swept yet. */
  get resident(): number {
    return this.#budget.resident;
  }

  /** Empties all indexes; nothing is kept from now on. */
  close(): void {
    this.#closed = true;
    for (const index of this.#indexes) index.close();
    this.#budget.close();
  }
}
