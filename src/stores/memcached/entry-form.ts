import type { Life } from '../../core/store.ts';
import type { MetaReply } from '../../wire/memcached-meta/meta-reply.ts';

/**
 * How lives and flags of the contract are written to a server, and read from it. What is written throws `CISTERN_OPTION` for what is not
 * allowed.
 */
export interface EntryForm {
  /** Of the contract. */
  readonly largestFlags: number;
  /** Of an entry: `T` of `ms`, `mg` and `ma`. */
  timeToLive(life: Life): number;
  /** How long a placeholder stays: `N`. */
  span(option: string, milliseconds: number): number;
  /** `R`. */
  threshold(recache: number): number;
  /** The time to live of an entry that is marked stale. */
  mark(staleFor: number): number;
  /** 32 bits. */
  clientFlags(flags: number, life: Life): number;
  /** The contract's flags, of the 32 bits. */
  flagsOf(clientFlags: number): number;
  /** The freshness left, in milliseconds, of an entry with this many seconds to live (-1: it never expires). */
  freshFor(clientFlags: number, secondsLeft: number): number;
  /** What a lease leaves behind. `leasing`: the asker wanted to leave one. */
  isPlaceholder(answer: MetaReply, leasing: boolean): boolean;
}
