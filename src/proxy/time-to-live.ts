import { type Life, longestLife } from '../core/store.ts';

/** Above it, a time is a Unix time: 30 days in seconds. */
const longestRelative = 2_592_000;

/**
 * What a time of the protocol means: 0 and none at all are without end, above 30 days it is a Unix time, and what is below
 * zero, or in the past, is over at once. Only raw stores keep entries without end; the others end them after 30 days.
 *
 * Source: memcached's `doc/protocol.txt`, "Expiration times".
 */
export function lifeOf(timeToLive: number | undefined, wall: () => number): Life {
  const freshFor = millisecondsOf(timeToLive, wall);
  return freshFor === Number.POSITIVE_INFINITY ? endless : { freshFor, staleFor: 0 };
}

const endless: Life = { freshFor: Number.POSITIVE_INFINITY, staleFor: 0 };

/** The same as a span: `Infinity` without end, 0 when it is over. */
export function millisecondsOf(timeToLive: number | undefined, wall: () => number): number {
  if (timeToLive === undefined || timeToLive === 0) return Number.POSITIVE_INFINITY;
  if (timeToLive <= longestRelative) return Math.max(0, timeToLive * 1000);
  return Math.max(0, timeToLive * 1000 - wall());
}

/** The time of a lease: a placeholder never stays without end, and for a moment at least. */
export function leaseOf(timeToLive: number, wall: () => number): number {
  return Math.max(1, Math.min(longestLife, millisecondsOf(timeToLive, wall)));
}

/**
 * The threshold of `R`, which is met when fewer whole seconds are left; undefined where it never is. Of a time in whole
 * seconds, rounded up, that is the case when less than this is left.
 */
export function recacheOf(seconds: number): number | undefined {
  return seconds >= 2 && seconds <= longestRelative ? (seconds - 1) * 1000 : undefined;
}

/** The seconds left that an answer tells: -1 without end. */
export function secondsLeft(milliseconds: number): number {
  return milliseconds === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(milliseconds / 1000));
}
