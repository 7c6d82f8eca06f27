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

/** What `cache.stats()` answers. */
export interface CacheStatistics {
  readonly near: {
    readonly hits: number;
    readonly staleHits: number;
    readonly misses: number;
    readonly entries: number;
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

export function statistics(counters: Counters, entries: number): CacheStatistics {
  return {
    near: {
      hits: counters.nearHits,
      staleHits: counters.nearStaleHits,
      misses: counters.nearMisses,
      entries,
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
