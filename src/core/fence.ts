import type { Operation, Store } from './store.ts';

/**
 * The fence of one cache server: a small record on the server itself, read by every client when it connects and then every
 * 250 ms in a batch that goes there anyway. Its incarnation, a random token, is part of every key on that server: with
 * another one all that the server held before can be reached no more. So a server that comes back with old values is cold,
 * never stale.
 *
 * An invalidation may be sent by a name that the record has meanwhile changed. So the record is read in the same write with it, and where that
 * shows another incarnation, or another token of a departure, it has failed, and is repaired by the new name as after every failure.
 */
export interface Fence {
  /** The incarnation that keys carry now; `undefined` while it is unknown, and then nothing is sent. */
  readonly incarnation: string | undefined;
  /**
   * Gives the server a new incarnation, and forgets all departures: no name from before can be reached. False: not confirmed; until
   * it is, the server serves this process nothing.
   */
  renew(): Promise<boolean>;
  /**
   * The members of the ring that this server was last used in, as the record tells it; `undefined` while unknown, or when the
   * record tells of none.
   */
  readonly members: readonly string[] | undefined;
  /**
   * Members that have left the ring, each with a token of its departure and its place in the order of departures. A key that
   * such a member would own has come (back) to this server no earlier than that: the token belongs into its name, so that what
   * the server kept of it from before cannot be reached. One that has come back into the ring stays here until the next `renew`:
   * processes that still do without it use its token. The same object as long as nothing has changed.
   */
  readonly departed: ReadonlyMap<string, Departure>;
  /**
   * Writes down who is in the ring from now on. Each of `left` gets a new departure, and so does everybody whom the record that is
   * overwritten tells of and who is not in the ring. What would change nothing is not written. False: not confirmed; until it is, keys of
   * those who left are answered by a failure.
   */
  enrol(members: readonly string[], left: readonly string[]): Promise<boolean>;
  /** Set by the route that spreads keys over several servers; `undefined`: every key is named by the incarnation. */
  naming: Naming | undefined;
  /** Set by the same: called whenever a reading of the record tells something new, the first one included, or that it is gone. */
  changed: (() => void) | undefined;
}

/**
 * What names the key of an operation on its server: the token of a departure, or `''` for the incarnation. `undefined`: it must not
 * be sent yet, so it fails (`applied: 'no'`), and what it should have invalidated is repaired as after every other failure. Asked whenever
 * a request is composed, so never before the record is known, and for repairs again.
 */
export type Naming = (operation: Operation) => string | undefined;

export interface Departure {
  /** Random: printable, at most 8 characters. */
  readonly token: string;
  /** Grows with every departure that this server was told of. */
  readonly order: number;
}

/** A store for one server, with its fence. */
export interface FencedStore extends Store {
  readonly fence: Fence;
}
