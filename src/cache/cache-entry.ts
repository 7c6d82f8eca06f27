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

/** What `entries` tells of a key that has no value to give: neither from a tier nor from the source. */
export interface FailedEntry {
  readonly value: undefined;
  readonly status: 'failed';
  readonly tier: 'source';
  readonly age: 0;
  readonly expiresIn: 0;
  readonly error: unknown;
}

export function failedEntry(error: unknown): FailedEntry {
  return { value: undefined, status: 'failed', tier: 'source', age: 0, expiresIn: 0, error };
}

/** An outcome as it is told to a caller at the monotonic time `now`. */
export function entryOf<V>(outcome: Outcome, now: number): CacheEntry<V> {
  const { status, tier, loadedAt, freshUntil, error } = outcome;
  return {
    value: valueOf(outcome) as V | undefined,
    status: outcome.value === notFound ? 'negative' : status,
    tier,
    age: Math.round(Math.max(0, now - loadedAt)),
    expiresIn: Math.round(freshUntil - now),
    ...(error === undefined ? undefined : { error }),
  };
}
