import type { Store } from './store.ts';

/**
 * The fence of one cache server: a small record on the server itself, read by every client when it connects and then every
 * 250 ms in a batch that goes there anyway. Its incarnation, a random token, is part of every key on that server: with
 * another one all that the server held before can be reached no more. So a server that comes back with old values is cold,
 * never stale.
 */
export interface Fence {
  /** The incarnation that keys carry now; `undefined` while it is unknown, and then nothing is sent. */
  readonly incarnation: string | undefined;
  /** Gives the server a new incarnation. False: not confirmed; until it is, the server serves this process nothing. */
  renew(): Promise<boolean>;
  /**
   * The members of the ring that this server was last used in, as the record tells it; `undefined` while unknown, or when the
   * record tells of none.
   */
  readonly members: readonly string[] | undefined;
  /**
   * Members that have left the ring, each with a token of its departure and its place in the order of departures. A key that
   * such a member would own has come (back) to this server no earlier than that: the token belongs into its name, so that what
   * the server kept of it from before cannot be reached.
   */
  readonly departed: ReadonlyMap<string, Departure>;
  /**
   * Writes down who is in the ring from now on; each of `left` gets a new departure. False: not confirmed; until it is,
   * keys of those who left are answered by a failure.
   */
  enrol(members: readonly string[], left: readonly string[]): Promise<boolean>;
}

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
