import { wrongOption } from '../../core/error.ts';
import { largestFlags, type Life } from '../../core/store.ts';
import { longestRelative } from '../../wire/memcached-meta/meta-request.ts';
import type { EntryForm } from './entry-form.ts';

/**
 * How a `Life` lies in memcached. The server ends an entry between one second before its time to live and the time to
 * live itself, so one second is added: nothing ends before it was to end. How much of it is the stale share is kept in
 * the client flags, so that the server's clock alone tells fresh from stale, whoever clamps or touches the entry.
 *
 * Client flags, 32 bits: bit 31 says that an entry was really stored by a `set` (a placeholder and a number made by
 * `count` do not have it), bits 9 to 30 are the stale share in whole seconds, bits 0 to 8 the flags of the contract.
 */
const storedBit = 0x8000_0000;
const staleShift = 9;

/** Whole seconds, rounded up, and one more: at least that long. At most 30 days. */
export function secondsAtLeast(milliseconds: number): number {
  return Math.min(longestRelative, Math.ceil(milliseconds / 1000) + 1);
}

/** The time to live of an entry, in seconds. */
export function timeToLive(life: Life): number {
  return secondsAtLeast(life.freshFor + life.staleFor);
}

/** Client flags of an entry that is really stored. Where the whole life is cut to 30 days, the stale share is cut first. */
export function clientFlags(flags: number, life: Life): number {
  const rest = Math.max(0, longestRelative - 1 - Math.ceil(life.freshFor / 1000));
  const stale = Math.min(rest, Math.ceil(life.staleFor / 1000));
  return (storedBit | (stale << staleShift) | flags) >>> 0;
}

export function isStored(clientFlags: number): boolean {
  return clientFlags >= storedBit;
}

/** The contract's flags. Of an entry that somebody else stored, too, these bits are all that is told. */
export function flagsOf(clientFlags: number): number {
  return clientFlags & largestFlags;
}

/** The freshness left, in milliseconds, of an entry with this many seconds to live (-1: it never expires). */
export function freshFor(clientFlags: number, secondsLeft: number): number {
  if (secondsLeft < 0) return Number.POSITIVE_INFINITY;
  const stale = isStored(clientFlags) ? (clientFlags & (storedBit - 1)) >>> staleShift : 0;
  return (secondsLeft - 1 - stale) * 1000;
}

/** The whole life left, in milliseconds. */
export function expiresIn(secondsLeft: number): number {
  return secondsLeft < 0 ? Number.POSITIVE_INFINITY : secondsLeft * 1000;
}

/** Above this, seconds to live are the unsigned print of a negative number: the entry has expired. */
export const largestTimeToLive: number = 2 ** 31;

function span(option: string, milliseconds: number): number {
  if (!Number.isFinite(milliseconds) || milliseconds <= 0) {
    throw wrongOption(option, milliseconds, 'a positive number of milliseconds');
  }
  return secondsAtLeast(milliseconds);
}

function checkSpans({ freshFor, staleFor }: Life): void {
  if (!Number.isFinite(freshFor) || freshFor < 0) {
    throw wrongOption('life.freshFor', freshFor, 'milliseconds, 0 or more and finite');
  }
  if (!Number.isFinite(staleFor) || staleFor < 0) {
    throw wrongOption('life.staleFor', staleFor, 'milliseconds, 0 or more and finite');
  }
}

/** Entries as the contract has them. */
export const contractForm: EntryForm = {
  largestFlags,
  timeToLive(life) {
    checkSpans(life);
    return timeToLive(life);
  },
  span,
  // The time to live that it is compared with is one second longer than the life.
  threshold: (recache) => span('recache', recache),
  mark: (staleFor) => span('staleFor', staleFor),
  clientFlags,
  flagsOf,
  freshFor,
  // Nothing that was stored through the contract looks so.
  isPlaceholder: ({ size, clientFlags: flags }) => size === 0 && !isStored(flags),
};
