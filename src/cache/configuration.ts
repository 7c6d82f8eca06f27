import type { HotKeysSettings } from './hot-keys/hot-keys-options.ts';
import type { CacheSettings, NearSettings } from './options.ts';

/** How old an answer may be after a change, in milliseconds, as this configuration bounds it. `Infinity`: only `ttl` bounds it. */
export interface Staleness {
  /** In the process that made the change, after it was confirmed. */
  readonly here: number;
  /** In other processes, after `set`, `delete`, `expire`, `mutate`: how long a near copy is answered unasked. */
  readonly elsewhere: number;
  /** In other processes, after `clear`: how often the server record is read. */
  readonly afterClear: number;
}

/** What a cache works with: everything that was given, and the defaults for the rest. Spans in milliseconds, sizes in bytes. */
export interface CacheConfiguration extends Omit<CacheSettings, 'spans' | 'schema'> {
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly negativeTtl: number;
  readonly staleness: Staleness;
}

/** What `shop.configuration()` answers: plain data, to be printed. */
export interface Configuration {
  readonly name: string;
  /** With the limits of now, if they were changed. */
  readonly near: NearSettings | false;
  readonly hotKeys: HotKeysSettings | false;
  /** The store's name, or `false`. */
  readonly remote: string | false;
  readonly caches: Readonly<Record<string, CacheConfiguration>>;
}

/** The configuration of one cache, with the bounds that follow from it. `hotTtl`: how long its hot keys may be kept near although other keys are not. */
export function configurationOf(
  settings: CacheSettings,
  recordPoll: number,
  hotTtl: number,
): CacheConfiguration {
  const { spans, schema: _, ...rest } = settings;
  const { staleWhileRevalidate, staleIfError, negativeTtl } = spans;
  const shared = settings.remote;
  const staleness = {
    here: 0,
    // Without a shared tier nobody tells other processes anything.
    elsewhere: shared ? (settings.near ? settings.nearTtl : hotTtl) : Number.POSITIVE_INFINITY,
    afterClear: shared ? recordPoll : Number.POSITIVE_INFINITY,
  };
  return { ...rest, staleWhileRevalidate, staleIfError, negativeTtl, staleness };
}
