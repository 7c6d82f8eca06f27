import { type Channel, channel } from 'node:diagnostics_channel';
import type { KeyPart } from './key.ts';

/**
 * What happens inside, told on `node:diagnostics_channel`: one channel per kind, named `cistern:<kind>`. A message is
 * made and published only when somebody listens. Nothing needs a listener, and nothing is logged.
 */
export interface Events {
  /** A loader ran to its end. */
  readonly load: {
    readonly cache: string;
    readonly keys: number;
    readonly milliseconds: number;
    readonly error?: unknown;
  };
  /** An operation of a store failed: to the cache a miss, or a write that was not confirmed. */
  readonly 'store-failed': {
    readonly store: string;
    readonly operation: string;
    readonly key: string;
    readonly applied: 'no' | 'unknown';
    readonly error: Error;
  };
  /** A value was answered to its caller but kept nowhere. */
  readonly 'not-kept': {
    readonly cache: string;
    readonly key: string;
    readonly reason: string;
    readonly error?: unknown;
  };
  /** An old value was answered: while it is reloaded, or because the source failed. */
  readonly stale: { readonly cache: string; readonly key: string; readonly error?: unknown };
  /**
   * An entry has left the near tier, or was replaced by a newer one. Told at the end of the call that removed it, so a listener may use
   * the cache. Cleared entries are told of when their memory comes back.
   */
  readonly removed: {
    readonly cache: string;
    /** The key's one part as it is; several parts as one text, in the form that remote keys have: `'tea,'EUR`, `@7,42`. */
    readonly key: KeyPart;
    /** As the near tier kept it, not to be changed; `notFound` for what was remembered as absent. */
    readonly value: unknown;
    readonly cause: 'evicted' | 'expired' | 'invalidated' | 'replaced';
  };
  /** A key is asked for more often than `hotKeys.above` in this process, as the requests of the last few seconds tell. */
  readonly 'hot-key-found': { readonly cache: string; readonly key: KeyPart; readonly perSecond: number };
  /** It has cooled down, after so many milliseconds, or made room for a hotter one. */
  readonly 'hot-key-gone': {
    readonly cache: string;
    readonly key: KeyPart;
    readonly perSecond: number;
    readonly milliseconds: number;
  };
  /** Background work failed; its caller had been answered before. */
  readonly 'background-failed': { readonly cache: string; readonly error: unknown };
  /** A list of servers has changed, or could not be read: then the servers are the same as before, and there is an error. */
  readonly servers: {
    readonly list: string;
    /** The ids of those who are in it now. */
    readonly servers: readonly string[];
    readonly error?: Error;
  };
  /** A connection was opened or lost. */
  readonly connection: {
    readonly store: string;
    readonly state: 'opened' | 'closed';
    readonly error?: Error;
  };
  /**
   * The write-failure journal of a pool has something to tell. `lost`: a server did not confirm an invalidation, which is a record now;
   * `repaired`: it has confirmed that the key is removed; `overflowed`: there was no room, so that the server is held until it is `fenced`, that is,
   * has a new incarnation; `dropped`: there was no room, and the server has no fence. Of the file: it is `damaged`, `unwritable` (what is lost
   * from now on is in memory alone), `writable` again, or `taken-over` by another process (this one goes on in memory).
   */
  readonly journal: {
    readonly pool: string;
    readonly state:
      | 'lost'
      | 'repaired'
      | 'overflowed'
      | 'fenced'
      | 'dropped'
      | 'damaged'
      | 'unwritable'
      | 'writable'
      | 'taken-over';
    readonly server?: string;
    readonly key?: string;
    /** Records that are not settled, of all servers. */
    readonly pending: number;
    readonly error?: Error;
  };
  /** A server was marked down: what is asked of it fails at once until a probe is answered. */
  readonly 'server-down': { readonly store: string; readonly error: Error };
  /** A probe was answered: the server is used again, after so many milliseconds. */
  readonly 'server-up': { readonly store: string; readonly milliseconds: number };
  /** A shadow answered a get otherwise than the store that it shadows: with another kind of reply, or another value. */
  readonly 'shadow-differs': {
    readonly store: string;
    readonly key: string;
    readonly main: 'hit' | 'miss';
    readonly shadow: 'hit' | 'miss' | 'failed';
  };
  /** A process has come into another stage of a migration, by its own clock. */
  readonly 'migration-stage': { readonly store: string; readonly stage: string; readonly before: string };
}

type Kind = keyof Events;

const channels: { readonly [K in Kind]: Channel<Events[K]> } = {
  load: channel('cistern:load'),
  'store-failed': channel('cistern:store-failed'),
  'not-kept': channel('cistern:not-kept'),
  stale: channel('cistern:stale'),
  removed: channel('cistern:removed'),
  'hot-key-found': channel('cistern:hot-key-found'),
  'hot-key-gone': channel('cistern:hot-key-gone'),
  'background-failed': channel('cistern:background-failed'),
  servers: channel('cistern:servers'),
  connection: channel('cistern:connection'),
  journal: channel('cistern:journal'),
  'server-down': channel('cistern:server-down'),
  'server-up': channel('cistern:server-up'),
  'shadow-differs': channel('cistern:shadow-differs'),
  'migration-stage': channel('cistern:migration-stage'),
} as never;

/** Whether anybody listens: asked first where making the message would cost a hot path something. */
export function heard(kind: Kind): boolean {
  return channels[kind].hasSubscribers;
}

/** Tells everybody who listens. A subscriber that throws is reported by Node and hurts nobody here. */
export function tell<K extends Kind>(kind: K, message: Events[K]): void {
  if (channels[kind].hasSubscribers) channels[kind].publish(message);
}
