import { notFound } from './not-found.ts';
import { copy } from './seal/copy.ts';

/** The answer to a read, with where it came from. Times are on the monotonic clock. */
export interface Outcome {
  /** The value, or `notFound`. */
  readonly value: unknown;
  /** Callers get copies: it holds what cannot be frozen. */
  readonly copied: boolean;
  readonly status: 'hit' | 'stale' | 'loaded';
  readonly tier: 'near' | 'remote' | 'source';
  readonly loadedAt: number;
  readonly freshUntil: number;
  /** May be answered without waiting for the reload until then. */
  readonly servableUntil: number;
  /** May be answered instead of an error until then. */
  readonly usableUntil: number;
  /** Why an old value was answered: the source's error. */
  readonly error?: unknown;
}

/** What `get` gives: the caller's own copy where it must be one, and `undefined` for `notFound`. */
export function valueOf(outcome: Outcome): unknown {
  if (outcome.value === notFound) return undefined;
  return outcome.copied ? copy(outcome.value) : outcome.value;
}
