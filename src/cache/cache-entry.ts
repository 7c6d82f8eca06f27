import { notFound } from './not-found.ts';
import { type Outcome, valueOf } from './outcome.ts';

/** A value with where it came from. Spans in milliseconds. */
export interface CacheEntry<V> {
  /** `undefined` when `status` is `negative`. */
  readonly value: V | undefined;
  readonly status: 'hit' | 'stale' | 'loaded' | 'negative';
  readonly tier: 'near' | 'remote' | 'source';
  readonly age: number;
  /** Freshness left; below zero for a stale value. */
  readonly expiresIn: number;
  /** Why the value is stale, if the source failed. */
  readonly error?: unknown;
}

/** An outcome as it is told to a caller at the monotonic time `now`. */
export function entryOf<V>(outcome: Outcome, now: number): CacheEntry<V> {
  const { status, tier, loadedAt, freshUntil, error } = outcome;
  return {
    value: valueOf(outcome) as V | undefined,
    status: outcome.value === notFound ? 'negative' : status,
    tier,
    age: Math.max(0, now - loadedAt),
    expiresIn: freshUntil - now,
    ...(error === undefined ? undefined : { error }),
  };
}
