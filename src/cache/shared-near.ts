import { heard } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import { callersKey } from './cache-key.ts';
import type { SizeEstimate } from './near/live-curve.ts';
import type { NearIndex } from './near/near-index.ts';
import { NearTier } from './near/near-tier.ts';
import { checkedLimits, checkedObject, type NearOptions, type NearSettings } from './options.ts';
import { RemovedEntries } from './removed-entries.ts';
import type { NearTierStatistics } from './statistics.ts';

/** The near tier as all caches of one object share it: its options, its events, its numbers. */
export class SharedNear {
  readonly tier: NearTier;
  #settings: NearSettings;
  /** The names of caches whose keys are made of parts: see `nearKey`. */
  readonly #keyed = new Set<string>();
  #closed = false;

  constructor(settings: NearSettings, runtime: Runtime) {
    this.#settings = settings;
    const removed = new RemovedEntries();
    const { maxEntries, ...rest } = settings;
    this.tier = new NearTier({
      ...rest,
      ...(maxEntries === Number.POSITIVE_INFINITY ? undefined : { maxEntries }),
      removed: (cache, key, value, cause) => {
        if (heard('removed'))
          removed.add({ cache, key: callersKey(key, this.#keyed.has(cache)), value, cause });
      },
      defer: (callback) => runtime.defer(callback),
      seed: runtime.random() * 2 ** 32,
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** With the limits of now. */
  get settings(): NearSettings {
    return this.#settings;
  }

  /** A cache's part; `keyed` says whether it has a `key` function. */
  index(name: string, keyed: boolean): NearIndex {
    if (keyed) this.#keyed.add(name);
    return this.tier.index(name);
  }

  /** Other limits from now on. Throws `CISTERN_OPTION`. */
  resize(limits: Pick<NearOptions, 'maxBytes' | 'maxEntries'>): void {
    checkedObject('resizeNear', limits, ['maxBytes', 'maxEntries']);
    const { maxBytes, maxEntries } = checkedLimits('resizeNear', limits, this.#settings);
    this.#settings = { ...this.#settings, maxBytes, maxEntries };
    this.tier.resize(maxBytes, maxEntries);
  }

  estimate(): SizeEstimate | undefined {
    return this.tier.estimate();
  }

  statistics(): NearTierStatistics {
    const { tier } = this;
    const { maxBytes, maxEntries, policy, index } = this.#settings;
    const removals = { evicted: 0, expired: 0, invalidated: 0, replaced: 0 };
    for (const each of tier.indexes) {
      const { evicted, expired, invalidated, replaced } = each.removals;
      removals.evicted += evicted;
      removals.expired += expired;
      removals.invalidated += invalidated;
      removals.replaced += replaced;
    }
    return {
      bytes: tier.bytes,
      maxBytes,
      entries: tier.size,
      maxEntries,
      policy,
      index,
      ...removals,
      estimate: this.estimate(),
    };
  }

  close(): void {
    this.#closed = true;
    this.tier.close();
  }
}
