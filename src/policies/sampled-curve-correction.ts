/** What a sample of the keys saw, and what is known of all requests. */
export interface SampledMisses {
  /** The share of the keys that is in the sample. */
  readonly rate: number;
  /** Requests for all keys, sampled or not. */
  readonly requests: number;
  /** Requests for the sampled keys. */
  readonly recorded: number;
  /** Those of them that missed. */
  readonly missed: number;
  /** The sum over the sampled keys of their requests squared. */
  readonly weight: number;
  /** The sum over the sampled keys of their requests times their misses. */
  readonly missedWeight: number;
}

/**
 * The miss ratio of all requests, from a sample of the keys.
 *
 * The sample has more or fewer requests than its rate promises, as few keys make most of them. SHARDS-adj (Waldspurger, Park,
 * Garthwaite and Ahmad, FAST '15) takes the difference to be hits. That is right for the very popular keys that a sample lacks; what
 * lies within one standard deviation of the sample is corrected by regression instead: as much of it was misses as the squares of
 * the sampled keys' requests say (Cochran, "Sampling Techniques", chapter 7). That makes the error .65 times as large.
 */
export function correctedMissRatio(sample: SampledMisses): number {
  const expected = sample.requests * sample.rate;
  if (expected === 0 || sample.weight === 0) return 1;
  const missing = expected - sample.recorded;
  const deviation = Math.sqrt(sample.weight * (1 - sample.rate));
  const usual = Math.max(-deviation, Math.min(missing, deviation));
  const missed = sample.missed + usual * (sample.missedWeight / sample.weight);
  return Math.min(1, Math.max(0, missed / expected));
}
