import type { Database } from '../database/database.ts';
import { driveFromProcess } from '../traffic/driver-process.ts';
import type { TrafficOrder } from '../traffic/run.ts';
import type { CountedSource } from './counted-source.ts';
import { type CacheCounts, type Counts, countsNow, figuresOf, type SideFigures } from './figures.ts';

/** One of the two shops that are compared. */
export interface Side {
  readonly url: string;
  readonly database: Database;
  readonly source: CountedSource;
  readonly caches?: () => CacheCounts;
}

export interface Measured {
  readonly figures: SideFigures;
  /** The first request that failed, if one did. */
  readonly firstError: string | undefined;
}

/** Sends the shoppers to one shop, and counts while they are measured. */
export async function measure(
  side: Side,
  order: Omit<TrafficOrder, 'url'>,
  signal: AbortSignal,
): Promise<Measured> {
  const now = (): Counts => countsNow(side.database, side.source, side.caches?.());
  let before = now();
  const traffic = await driveFromProcess({ ...order, url: side.url }, () => (before = now()), signal);
  return { figures: figuresOf(traffic, before, now()), firstError: traffic.firstError };
}
