import type { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';

/** How a connection ended. */
export interface Loss {
  readonly error: Error;
  /** Before it could serve. */
  readonly connecting: boolean;
  /** While connecting: the other side refused or cannot be reached, so that trying again at once would be of no use. */
  readonly hard: boolean;
  /** Requests were on it, sent or not: somebody feels it. */
  readonly felt: boolean;
  /** Asked and not sent. They are no longer the connection's. */
  readonly unsent: readonly Exchange[];
}

/** The pool that connections belong to, and what they tell it. */
export interface ConnectionOwner {
  /** What was asked in this turn is taken up: what is asked in the next may go elsewhere. */
  turned(): void;
  /** The greeting was answered as it should be. */
  opened(): void;
  /** Requests were answered in time. */
  answered(): void;
  /** All that was sent at this time, in one turn, had no answer within the timeout. */
  unanswered(sentAt: number): void;
  /** All that was asked at this time, in one turn, could not be sent within the timeout: the connection is not there yet. */
  unsent(askedAt: number): void;
  /** It is over. Not called after `close`. */
  lost(connection: Connection, loss: Loss): void;
  /** Its socket is gone: the last that is heard of it. */
  vanished(): void;
}
