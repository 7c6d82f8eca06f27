export interface Amplification {
  /** Loads of the source with the server gone, as a multiple of those in health. */
  readonly measured: number;
  /** The same by the formula. */
  readonly formula: number;
  readonly hitRatio: number;
  /** The share of the reads that are for rows of the server. */
  readonly share: number;
  /** The share of those that would have been hits and are hits of the spare. */
  readonly spareHitRatio: number;
}

/**
 * What one lost server does to the source: `1 + s h (1 - g) / (1 - h)`, where h is the hit ratio, s the server's share of the reads (1/N where
 * all are alike) and g the hit ratio of whatever stands in for it: of what would have been hits, h s, the share 1 - g goes to the source,
 * which had 1 - h before.
 */
export function amplification(given: Omit<Amplification, 'formula'>): Amplification {
  const { hitRatio: h, share: s, spareHitRatio: g } = given;
  return { ...given, formula: 1 + (s * h * (1 - g)) / (1 - h) };
}
