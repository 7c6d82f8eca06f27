/** What was asked of one pool, and how often it had it. */
export interface PoolCounts {
  readonly gets: number;
  readonly hits: number;
}

/** Copies from the old pool to the new one. */
export interface CopyCounts {
  readonly stored: number;
  /** Not copied: somebody else holds the right, or it was changed meanwhile, or it is aged, marked or gone. */
  readonly refused: number;
  /** A pool did not answer. */
  readonly failed: number;
  /** Too many were under way. */
  readonly skipped: number;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Everything that one process counts of a migration, since it was made. */
export class MigrationCounts {
  readonly from: Writable<PoolCounts> = { gets: 0, hits: 0 };
  readonly to: Writable<PoolCounts> = { gets: 0, hits: 0 };
  /** Of the sampled reads that the old pool answered: how often the new one would have had it. Tells whether it is warm. */
  readonly sampled: Writable<PoolCounts> = { gets: 0, hits: 0 };
  readonly copies: Writable<CopyCounts> = { stored: 0, refused: 0, failed: 0, skipped: 0 };
  /** Fills that reached both pools by a right taken in each. */
  twinFills = 0;
  /** Fills that came after the switch and could be kept nowhere. */
  lateFills = 0;
}
