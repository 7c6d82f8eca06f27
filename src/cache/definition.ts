import type { Bytes } from '../core/bytes.ts';
import type { Duration } from '../core/duration.ts';
import type { KeyPart } from '../core/key.ts';
import type { NotFound } from './not-found.ts';
import type { Sharing } from './seal/seal.ts';
import type { StandardSchema } from './standard-schema.ts';
import type { CacheKey, PrivateKey } from './tenant.ts';

/** What a loader is told beside the id. Name the type of `stale` by annotating the parameter: `LoadContext<User>`. */
export interface LoadContext<V = unknown> {
  /** Aborted when the last caller has left, at the load's timeout, and at `close()`. Hand it to the driver. */
  readonly signal: AbortSignal;
  /** When the load is given up, in Unix milliseconds. */
  readonly deadline: number;
  /** The old value, where there is one: for conditional fetches. */
  readonly stale?: V;
}

/** What a batch loader is told beside the ids. */
export interface LoadManyContext<Id = unknown, V = unknown> {
  readonly signal: AbortSignal;
  readonly deadline: number;
  /** The old values, of the ids that have one. */
  readonly stale: ReadonlyMap<Id, V>;
}

/** How long entries live. All spans are durations: milliseconds, or texts like `'5m'`. */
export interface Lifetimes<V = unknown> {
  /** How long an entry is fresh: a span, or one chosen by value; `'skip'` keeps this value nowhere. At least 1 ms, with both stale spans at most 30 days. */
  readonly ttl: Duration | ((value: V) => Duration | 'skip');
  /** After `ttl`: the old value is answered at once for this long, while one caller reloads in the background. Default 0. */
  readonly staleWhileRevalidate?: Duration;
  /** After `ttl`: the old value is answered for this long when the source fails. Default 0. */
  readonly staleIfError?: Duration;
  /** How long `notFound` is remembered. Default: the shorter of `'10s'` and a fixed `ttl`. 0: not at all. */
  readonly negativeTtl?: Duration;
}

/** Limits on what one process asks of the source for this cache. A batch counts as one load. */
export interface LoadLimits {
  /** Loads at once. Default 100. */
  readonly concurrent?: number;
  /** Loads started per second. Default: no limit. */
  readonly perSecond?: number;
  /** Loads that may wait for a place; beyond: the stale value, else `CISTERN_LOAD_LIMIT`. Default 10,000. */
  readonly queue?: number;
}

interface Common<Id, R> extends Lifetimes<Exclude<R, NotFound>> {
  /** Version of the values' shape, part of every key: raise it when the shape changes. Default 1. */
  readonly version?: number;
  /** Asks the source for one id. Runs once per key and fleet. May throw; may answer `notFound`. */
  load(id: Id, context: LoadContext): R | Promise<R>;
  /** The spread of lifetimes: each is shortened by up to this share, at random. 0 to 0.9. Default 0.1. */
  readonly jitter?: number;
  /** How eager entries are refreshed before they age (XFetch's beta): 0 never, 1 usual, more is earlier. Default 1. */
  readonly refreshAhead?: number;
  /** How long a caller waits at most, for everything together. Default `'10s'`. A call may give its own. */
  readonly deadline?: Duration;
  /** How long one load may take. Default: `deadline`. The lease on the shared tier follows it. */
  readonly loadTimeout?: Duration;
  /** After a failed load, for this long the old value is answered without asking the source again. Default `'5s'`. */
  readonly retryAfterError?: Duration;
  readonly loads?: LoadLimits;
  /** Callers that may wait for one load; one more is refused with `CISTERN_LOAD_LIMIT`. Default 100,000. */
  readonly maxWaiters?: number;
  /** Kept in the process too. Default true. */
  readonly near?: boolean;
  /** The longest time the near tier answers without asking the remote tier. Default `'5s'` with a remote tier, no limit without. */
  readonly nearTtl?: Duration;
  /** Kept in the remote tier too. Default true, where there is one. */
  readonly remote?: boolean;
  /** What callers get: the one frozen value, a copy each, or the live value. Default `'frozen'`. */
  readonly sharing?: Sharing;
  /** The largest value that is kept: encoded, or as estimated in memory where there is no remote tier. Default 1,000,000. */
  readonly maxValueBytes?: Bytes;
  /** Checks what comes back from the remote tier (any Standard Schema); what it refuses counts as a miss. */
  readonly value?: StandardSchema<Exclude<R, NotFound>>;
  /** What a cached read inside `mutate` does: ask the source and keep nothing, throw, or read as usual. Default `'bypass'`. */
  readonly cachedReadsInWrite?: 'bypass' | 'throw' | 'allow';
}

/** Batches: without it ids are loaded one by one. */
interface Single {
  readonly loadMany?: never;
  readonly absent?: never;
}

interface Batched<Id, R> {
  /**
   * Asks the source for many ids at once: used by `getMany` and by gets of one turn. Answers a Map, or an array aligned to
   * the ids (an Error in it is that id's failure).
   */
  loadMany(ids: readonly Id[], context: LoadManyContext<Id>): LoadedMany<Id, R> | Promise<LoadedMany<Id, R>>;
  /** At most so many ids in one call. Default 1,000. */
  readonly maxBatch?: number;
}

/** Whether an id that `loadMany` leaves out is `notFound` (only where `load` may answer it) or that id's error. Default `'notFound'`. */
type Absent<R> = NotFound extends R
  ? { readonly absent?: 'notFound' | 'error' }
  : { readonly absent: 'error' };

export type LoadedMany<Id, R> = ReadonlyMap<Id, R> | readonly (R | Error | undefined)[];

interface Keyed<Id> {
  /**
   * What tells ids apart: a tuple of strings, numbers, bigints and booleans. May be left out when the id is one of those.
   */
  readonly key: (id: Id) => CacheKey;
  readonly private?: false;
}

interface Unkeyed {
  readonly key?: undefined;
  readonly private?: false;
}

interface Private<Id> {
  /** The tenant comes first: `key: ({ user, id }) => [tenant(user), id]`. */
  readonly key: (id: Id) => PrivateKey;
  /** Entries belong to somebody: every key must begin with a tenant. Default false. */
  readonly private: true;
}

/** What `define` takes for ids of any type. */
export type Definition<Id, R> = Common<Id, R> &
  (Keyed<Id> | Private<Id>) &
  (Single | (Batched<Id, R> & Absent<R>));

/** What `define` takes where the id is its own key. */
export type KeylessDefinition<Id extends KeyPart, R> = Common<Id, R> &
  Unkeyed &
  (Single | (Batched<Id, R> & Absent<R>));

/** The same without the compiler's bookkeeping: what the run time reads. */
export interface AnyDefinition<Id, R> extends Common<Id, R> {
  readonly key?: ((id: Id) => CacheKey) | undefined;
  readonly private?: boolean;
  readonly loadMany?: Batched<Id, R>['loadMany'] | undefined;
  readonly maxBatch?: number;
  readonly absent?: 'notFound' | 'error';
}
