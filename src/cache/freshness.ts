/**
 * When an entry ages, and when somebody begins to reload it before that. All times in milliseconds on the monotonic clock.
 */

/** A lifetime shortened at random by up to `jitter` of it, so that entries made together do not age together. At least 1 ms. */
export function jittered(lifetime: number, jitter: number, chance: number): number {
  return Math.max(1, Math.round(lifetime * (1 - jitter * chance)));
}

/**
 * When to begin an early reload: XFetch draws an exponential time before the end, scaled by how long a load takes, so that
 * in a fleet one asker is early and a slow load is begun earlier. Drawn once per copy, it costs nothing on a hit.
 *
 * Source: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015, section 3.
 */
export function refreshTime(
  freshUntil: number,
  loadMilliseconds: number,
  beta: number,
  chance: number,
): number {
  return freshUntil + loadMilliseconds * beta * Math.log(1 - chance);
}

/** How long a loser waits before it asks again: 2 ms, growing to a tenth of the time waited; shortened by up to 0.4 of it at random, so that losers do not ask in step. */
export function pollDelay(waited: number, chance: number): number {
  return Math.max(2, waited / 10) * (1 - 0.4 * chance);
}
