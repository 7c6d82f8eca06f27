import { wrongOption } from '../../core/error.ts';
import type { Life } from '../../core/store.ts';
import { longestRelative } from '../../wire/memcached-meta/meta-request.ts';
import type { EntryForm } from './entry-form.ts';

/**
 * Entries as every other client of the server has them (see `Store.raw`): the flags are the client flags, the life is the time to
 * live, a second is not more than a second. Unix times are made of this machine's clock, so lives of more than 30 days are as
 * right as that.
 */
export function rawForm(wall: () => number): EntryForm {
  const seconds = (option: string, milliseconds: number): number => {
    if (!(milliseconds >= 0)) throw wrongOption(option, milliseconds, 'milliseconds, 0 or more');
    if (milliseconds === Number.POSITIVE_INFINITY) return 0;
    const whole = Math.ceil(milliseconds / 1000);
    if (whole === 0) return -1;
    return whole <= longestRelative ? whole : Math.ceil((wall() + milliseconds) / 1000);
  };
  return {
    largestFlags: 0xffff_ffff,
    timeToLive: ({ freshFor, staleFor }: Life) => seconds('life', freshFor + staleFor),
    span(option, milliseconds) {
      if (!(milliseconds > 0)) throw wrongOption(option, milliseconds, 'a positive number of milliseconds');
      return Math.min(longestRelative, Math.ceil(milliseconds / 1000));
    },
    // The server compares whole seconds, which this much of time is less than.
    threshold(recache) {
      if (!(recache > 0)) throw wrongOption('recache', recache, 'a positive number of milliseconds');
      return Math.min(longestRelative, Math.floor(recache / 1000) + 1);
    },
    mark: (staleFor) => seconds('staleFor', staleFor),
    clientFlags: (flags) => flags,
    flagsOf: (clientFlags) => clientFlags,
    freshFor: (_clientFlags, secondsLeft) =>
      secondsLeft < 0 ? Number.POSITIVE_INFINITY : secondsLeft * 1000,
    // Somebody has the right to fill it. An empty value without flags that is marked stale, or being reloaded, looks so too: it is a miss meanwhile.
    isPlaceholder: ({ size, clientFlags, won, lost, stale }, leasing) =>
      size === 0 && clientFlags === 0 && (lost || (won && (leasing || stale))),
  };
}
