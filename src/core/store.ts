/**
 * The one contract: everything that can keep or find a cached value is a `Store`, and everything that combines
 * stores is a `Store` too. The vocabulary is that of memcached's meta commands (leases, stale marks, recache wins,
 * CAS); each store gives these semantics natively, by a server-side script, or in plain code.
 *
 * Units: every span and every deadline is in milliseconds; deadlines are points on the runtime's monotonic clock.
 */

/** A place that keeps entries, or a composition of such places. Three shapes, no fourth: leaf, wrapper, route. */
export interface Store {
  readonly name: string;
  /** What this store is made of: lets a tool draw the tree, or ask where a key would go, without sending anything. */
  readonly parts: readonly Store[];
  /**
   * Carries out one operation. Never rejects and never throws: a failure is an answer, because to a cache it is an
   * ordinary event. Operations that are asked in one turn of the event loop travel together.
   */
  execute(operation: Operation): Promise<Reply>;
  /**
   * The parts that this operation would be sent to, without sending anything. Absent: to every part as it is (a wrapper of
   * one store, say); a store without parts is where it ends.
   */
  destinations?(operation: Operation): readonly Destination[];
  /**
   * Of a leaf: it keeps entries as other clients of its server do, exactly. `flags` are then all 32 bits; lives and marks may be longer
   * than 30 days, or without end (`Infinity`), and one of 0 is over at once; spans are not lengthened; there is no stale share, the two spans of a life are one.
   * For the proxy, whose clients have flags and times of their own.
   */
  readonly raw?: boolean;
  /** Of a leaf: removes every entry. False: not confirmed. Absent: it cannot. Never rejects. */
  clear?(): Promise<boolean>;
  /** Settles everything pending (as failed) and lets go of all resources. May be called twice. */
  close(): Promise<void>;
}

/**
 * Why a part would be asked: `first` it answers; `also` it is told too, and its answer may count; `fallback` asked when those before
 * it fail or miss; `share` asked for some of the requests only (a copy of the traffic, a second request after a while).
 */
export type Role = 'first' | 'also' | 'fallback' | 'share';

/** One part that an operation would be sent to, and what would be sent. */
export interface Destination {
  readonly store: Store;
  readonly role: Role;
  /** With the key and the life that this part would see. */
  readonly operation: Operation;
}

/** How long an entry lives: fresh for the first span, then kept to be served stale. A ceiling clamps both. */
export interface Life {
  readonly freshFor: number;
  readonly staleFor: number;
}

/** The longest total life of a cache entry: 30 days, the longest relative time that memcached knows. */
export const longestLife: number = 30 * 24 * 60 * 60 * 1000;

/** Client flags that the contract carries for its users: 0 to 511. The leaves need the other bits, but for raw ones. */
export const largestFlags = 0x1ff;

/** Keys on the contract: printable ASCII (0x21 to 0x7e), at most this many characters before prefixes. */
export const longestKey = 160;

interface Addressed {
  /** Printable ASCII, made by `core/key` alone. */
  readonly key: string;
  /** What stands for the key where a server is chosen, so that keys that belong together share one. Default: the key. */
  readonly routingKey?: string;
  /** Take the server that is this many places behind the first choice: for small records that outlive a server. Default 0. */
  readonly copy?: number;
  /** Monotonic time after which nobody waits for the answer. A sent command cannot be unsent, so there is no signal. */
  readonly deadline: number;
}

/** Reads an entry, and may win a right with it. */
export interface GetOperation extends Addressed {
  readonly kind: 'get';
  /** On a miss: leave a placeholder for this long; the one who left it has the right to fill (`lease: 'won'`). */
  readonly lease?: number;
  /** On a hit: exactly one asker wins the right to reload when less than this is left of the whole life (fresh and stale). */
  readonly recache?: number;
  /** Gives the entry a new total life (`freshFor + staleFor`). The stale share stays what was stored. */
  readonly touch?: Life;
}

/** Writes an entry. A success always leaves a clean entry: no mark, no right handed out. */
export interface SetOperation extends Addressed {
  readonly kind: 'set';
  /** `append` and `prepend` keep flags and life of what is there; with `cas` only `set` and `replace`, `append` and `prepend` look at it. */
  readonly mode: 'set' | 'add' | 'replace' | 'append' | 'prepend';
  readonly value: Uint8Array;
  /** 0 to `largestFlags`. */
  readonly flags: number;
  readonly life: Life;
  /** Write only if the entry still has this CAS. Missing entry: `notFound`; another CAS: `conflict`. */
  readonly cas?: string;
}

/** Removes an entry, or marks it stale for a time; either way every right that was handed out for it is destroyed. */
export interface DeleteOperation extends Addressed {
  readonly kind: 'delete';
  /** Keep the value for this long, marked stale; the next asker wins the right to reload. Absent: remove it. */
  readonly staleFor?: number;
  readonly cas?: string;
}

/** Gives the entry a new total life without reading it. */
export interface TouchOperation extends Addressed {
  readonly kind: 'touch';
  readonly life: Life;
}

/** Adds to (or takes from) a decimal number of 64 bits; below zero it stops at 0, above 2^64 - 1 it wraps. Answers `hit` with the digits. */
export interface CountOperation extends Addressed {
  readonly kind: 'count';
  /** May be negative. */
  readonly delta: bigint;
  /** Create the number when it is missing: with this value (the delta is not applied) and this life. */
  readonly initial?: { readonly value: bigint; readonly life: Life };
}

/** Which right is given back: to fill a placeholder, to reload an aged entry, or to reload one that is marked stale. */
export type Right = 'lease' | 'recache' | 'stale';

/** Gives back a right that was won and not used, if the entry still has this CAS; the next asker wins at once. */
export interface ReleaseOperation extends Addressed {
  readonly kind: 'release';
  readonly right: Right;
  readonly cas: string;
}

export type Operation =
  | GetOperation
  | SetOperation
  | DeleteOperation
  | TouchOperation
  | CountOperation
  | ReleaseOperation;

/** Who may act: `won` by this asker, `lost` to somebody else who has it now, `none` handed out or none wanted. */
export type Claim = 'won' | 'lost' | 'none';

export interface HitReply {
  readonly kind: 'hit';
  readonly value: Uint8Array;
  readonly flags: number;
  /** Opaque. Names this state of this entry in this store; never made, compared by order, or taken elsewhere. `''` where the store keeps none. */
  readonly cas: string;
  /** Freshness left, told by the store's own clock; <= 0: aged. Always <= 0 when `marked`. */
  readonly freshFor: number;
  /** Life left, fresh and stale; `Infinity` for an entry that never expires. */
  readonly expiresIn: number;
  /** Marked stale by somebody's `delete` with `staleFor`. */
  readonly marked: boolean;
  /** The right to reload this entry: `recache` if it is aged or near it, `stale` if it is `marked`. */
  readonly claim: Claim;
}

export interface MissReply {
  readonly kind: 'miss';
  /** `none`: no lease was asked for, or the store could not give one. */
  readonly lease: Claim;
  /** CAS of the placeholder: to fill it (won), or to release it when its owner is dead (lost). `''` when there is none. */
  readonly cas: string;
}

export interface FailedReply {
  readonly kind: 'failed';
  readonly error: Error;
  /** `unknown`: the write may have been applied, or may still be, even after a later one. */
  readonly applied: 'no' | 'unknown';
}

/** `stored`: the change was made (set, delete, touch, release); `cas` is the new one where the store tells it, else `''`. */
export interface StoredReply {
  readonly kind: 'stored';
  readonly cas: string;
}

export type Reply =
  | HitReply
  | MissReply
  | StoredReply
  /** The mode forbade it: add on an existing entry, replace, append, prepend on a missing one. */
  | { readonly kind: 'notStored' }
  /** The entry has another CAS. */
  | { readonly kind: 'conflict' }
  /** There is no such entry. */
  | { readonly kind: 'notFound' }
  | FailedReply;

/** Replies without content, shared so that the common answers allocate nothing. */
export const notStored: Reply = { kind: 'notStored' };
export const conflict: Reply = { kind: 'conflict' };
export const missing: Reply = { kind: 'notFound' };
export const plainMiss: Reply = { kind: 'miss', lease: 'none', cas: '' };
