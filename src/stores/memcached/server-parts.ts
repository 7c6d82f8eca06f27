import type { Fence } from '../../core/fence.ts';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { HealthGroup } from '../../net/health-group.ts';
import type { PoolStatistics } from '../../net/pool-statistics.ts';

/** What the rooms around a leaf plug into it. */
export interface ServerParts {
  /** The servers of the same pool: more than a share of them down, and marks are not obeyed. */
  readonly group?: HealthGroup | undefined;
  readonly observer?: ServerObserver | undefined;
  readonly gate?: ReadGate | undefined;
  /** Whether values are lent: see `core/lending`. */
  readonly lends?: boolean;
  /** Makes the fence of the server; called once, while the leaf is made: nothing may be asked before the first `greet`. */
  readonly fence?: ((server: ServerStore) => ServerFence) | undefined;
}

/** Keys that must not be read at present. */
export interface ReadGate {
  /** How many there are: looked at for each read. */
  readonly size: number;
  closes(key: string): boolean;
}

/** Is told what happens at one server. Must not throw. */
export interface ServerObserver {
  /**
   * An operation failed. Called before its caller is answered, in the same turn; when it gives a promise, the caller is answered once
   * that has settled, either way. `prefix`: what the fence put in front of the key; undefined when it was not sent. Not called for
   * `executeBare`, for what a fence asks by itself, nor for wrong operations.
   */
  failed(
    operation: Operation,
    applied: 'no' | 'unknown',
    error: Error,
    prefix: string | undefined,
  ): Promise<void> | undefined;
  /** Marked down: from now on operations fail at once. */
  down?(error: Error): void;
  /** A probe was answered (greeting of the fence included): operations are sent again. */
  up?(): void;
  /** Nothing is sent any more. Operations that were under way may still fail. */
  closed?(): void;
}

/** Asks over one connection, before or together with everything else, the key as it is. Never rejects. */
export type Ask = (operation: Operation) => Promise<Reply>;

/** How many characters every fence puts in front of keys: an incarnation or the token of a departure, 8 characters, and a colon. */
export const prefixLength = 9;

/** A fence's question for its record, on its way. */
export interface Inquiry {
  readonly operation: Operation;
  /** Questions are numbered: an answer must not undo what was learnt after its question. */
  readonly number: number;
  /** Monotonic time. */
  readonly askedAt: number;
}

/** What the leaf needs of the fence of its server, beside what is told to the outside. */
export interface ServerFence extends Fence {
  /**
   * A new connection has told its version; nothing else is sent over it until this is fulfilled: with nothing when it may
   * serve, with an error when it must be given up (that counts as a failed connect). `connectTimeout` is over all of it.
   */
  greet(ask: Ask): Promise<Error | undefined>;
  /**
   * What is put in front of the key of this operation, `prefixLength` characters, as one flat text that is not made anew for each.
   * Asked when the request is written, also when it was executed long before. Undefined: it must not be sent, and fails (`applied: 'no'`).
   */
  prefixOf(operation: Operation): string | undefined;
  /** Changes whenever `prefixOf` may answer otherwise than before. */
  readonly names: number;
  /** Changes with every new incarnation: a CAS from before it names nothing, and its number may be in use again. */
  readonly era: number;
  /** When that was asked for which is known: monotonic time. */
  readonly knownAt: number;
  /**
   * Requests are about to be written, and it is time to ask again or one of them is an invalidation: what goes in front of them. Its
   * answer is handed to `learn` before theirs are looked at.
   */
  inquire(now: number): Inquiry;
  learn(inquiry: Inquiry, reply: Reply): void;
  /**
   * Like `renew`, for those who do not try again: while it is not confirmed the server goes on serving, and what it holds may be reached. False:
   * that is so.
   */
  replace(): Promise<boolean>;
  /** The leaf is closed. */
  closed(): void;
}

/** One memcached server as a store. */
export interface ServerStore extends Store {
  /** There is one when the parts said so. */
  readonly fence: Fence | undefined;
  /** Like `execute` with the key as it is: nothing in front of it, not held, not observed. For the records of fences. */
  executeBare(operation: Operation): Promise<Reply>;
  /** Like `execute`, but not held and not observed. For what repairs. */
  repair(operation: Operation): Promise<Reply>;
  /**
   * For the fence: until it is called with undefined, operations fail at once with this error (`applied: 'no'`), those that wait to be sent
   * included. What was sent is not touched. Connections and probes go on.
   */
  hold(error: Error | undefined): void;
  stats(): PoolStatistics;
}
