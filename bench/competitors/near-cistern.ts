import { type EntryNature, NearTier } from '../../src/cache/near/near-tier.ts';
import type { IndexName } from '../../src/cache/near/entry-weight.ts';
import { realRuntime } from '../../src/core/runtime.ts';
import type { PolicyName } from '../../src/policies/policy-by-name.ts';
import { type Item, lifetime, type Key, type NearCache } from './adapter.ts';

/** The near tier as the caches use it, without what they do before they ask it. */
export function openNearCache(capacity: number, parameters: Record<string, unknown>): NearCache {
  const { policy, index, estimate } = parameters as {
    readonly policy: PolicyName;
    readonly index: IndexName;
    readonly estimate?: boolean;
  };
  const tier = new NearTier({
    maxBytes: 2 ** 30,
    maxEntries: capacity,
    policy,
    index,
    estimate: estimate ?? true,
    seed: 1,
  });
  const entries = tier.index('bench');
  const { slab } = entries;
  const { clock } = realRuntime;
  const nature: { -readonly [K in keyof EntryNature]: EntryNature[K] } = {
    until: 0,
    freshUntil: 0,
    confirmedUntil: Number.POSITIVE_INFINITY,
    staleUntil: 0,
    loadedAt: 0,
    negative: false,
    copied: false,
  };
  return {
    get(key: Key): Item | undefined {
      const slot = entries.fresh(key, clock.wholeTick || Math.floor(clock.read()));
      return slot < 0 ? undefined : (slab.valueOf(slot) as Item);
    },
    set(key: Key, value: Item): void {
      const now = Math.floor(clock.tick || clock.read());
      nature.loadedAt = now;
      nature.until = nature.freshUntil = nature.staleUntil = now + lifetime;
      entries.put(key, value, 40, nature, now);
    },
  };
}
