import type { PolicyName } from '../policies/policy-by-name.ts';
import type { HotKey } from './hot-keys/hot-keys.ts';
import type { IndexName } from './near/entry-weight.ts';
import type { SizeEstimate } from './near/live-curve.ts';
import type { NearIndex } from './near/near-index.ts';

/** Counters of one cache since it was defined. Plain fields: counting is one addition. */
export class Counters {
  nearHits = 0;
  nearStaleHits = 0;
  nearMisses = 0;
  remoteHits = 0;
  remoteStaleHits = 0;
  remoteMisses = 0;
  remoteFailures = 0;
  loads = 0;
  loadErrors = 0;
  loadedKeys = 0;
  notKept = 0;
}

/** Entries that have left the near tier, by cause. */
export interface RemovalCounts {
  /** Made room for others, or was too large. */
  readonly evicted: number;
  /** Was past all its use when it was found. */
  readonly expired: number;
  /** By `delete`, `clear`, `set`, `mutate`, or a `clear` elsewhere. */
  readonly invalidated: number;
  /** By a newer value of its key. */
  readonly replaced: number;
}

/** What `shop.stats()` tells of the near tier, which all its caches share. */
export interface NearTierStatistics extends RemovalCounts {
  /** As estimated; with those that were cleared and not swept yet. Never more than `maxBytes`, but for a while after it was lowered. */
  readonly bytes: number;
  readonly maxBytes: number;
  readonly entries: number;
  /** `Infinity`: as many as fit. */
  readonly maxEntries: number;
  readonly policy: PolicyName;
  readonly index: IndexName;
  /** What another size would bring. `undefined` while too little is known (some 30,000 reads), and with `estimate: false`. */
  readonly estimate: SizeEstimate | undefined;
}

/** What `shop.stats()` answers. */
export interface CisternStatistics {
  readonly near: NearTierStatistics | false;
  /** The keys that are hot in this process now, the hottest first; `false` where they are not looked for. */
  readonly hotKeys: readonly HotKey[] | false;
}

/** What `cache.stats()` answers. */
export interface CacheStatistics {
  readonly near: RemovalCounts & {
    readonly hits: number;
    readonly staleHits: number;
    readonly misses: number;
    readonly entries: number;
    /** What another size of the near tier would bring to all its caches together; as in `shop.stats()`. */
    readonly estimate: SizeEstimate | undefined;
  };
  readonly remote: {
    readonly hits: number;
    readonly staleHits: number;
    readonly misses: number;
    /** Operations that got no answer, or an error: to the cache misses and unconfirmed writes. */
    readonly failures: number;
  };
  /** Calls of `load` and `loadMany`. */
  readonly loads: number;
  readonly loadErrors: number;
  /** Keys that loads brought in: more than `loads` where `loadMany` works. */
  readonly loadedKeys: number;
  /** Values that were answered but kept nowhere: invalidated meanwhile, too large, unstorable. */
  readonly notKept: number;
}

const noRemovals: RemovalCounts = { evicted: 0, expired: 0, invalidated: 0, replaced: 0 };

export function statistics(
  counters: Counters,
  near: NearIndex | undefined,
  estimate: SizeEstimate | undefined,
): CacheStatistics {
  return {
    near: {
      hits: counters.nearHits,
      staleHits: counters.nearStaleHits,
      misses: counters.nearMisses,
      entries: near?.size ?? 0,
      ...(near?.removals ?? noRemovals),
      estimate,
    },
    remote: {
      hits: counters.remoteHits,
      staleHits: counters.remoteStaleHits,
      misses: counters.remoteMisses,
      failures: counters.remoteFailures,
    },
    loads: counters.loads,
    loadErrors: counters.loadErrors,
    loadedKeys: counters.loadedKeys,
    notKept: counters.notKept,
  };
}
