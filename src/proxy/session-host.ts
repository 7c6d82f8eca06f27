import type { Runtime } from '../core/runtime.ts';
import type { Store } from '../core/store.ts';
import type { RequestLine } from '../wire/memcached-server/request-line.ts';
import type { AnswerWriter } from './answer.ts';
import type { Circumstances } from './operation-of.ts';
import type { Session } from './session.ts';
import type { ProxyStatistics } from './statistics.ts';

/** What all connections of a proxy share. */
export interface SessionHost {
  /** Never throws, and never rejects. */
  readonly store: Store;
  /** Whether its values are lent: see `core/lending`. */
  readonly lends: boolean;
  /** The same store with values that stay. */
  readonly keepingStore: Store;
  readonly runtime: Runtime;
  readonly answers: AnswerWriter;
  readonly statistics: ProxyStatistics;
  readonly maxValueBytes: number;
  /** Most requests of one connection that are not answered yet. */
  readonly maxPipelined: number;
  readonly flushAllowed: boolean;
  /** Too much is under way in all connections together. */
  readonly full: boolean;
  /** Of the requests that are read now. */
  readonly circumstances: Circumstances;
  /** Requests are about to be read: the circumstances are brought up to date. Answers the monotonic time. */
  startRead(): number;
  /** The monotonic time, as the hot paths have it. */
  now(): number;
  /** A request with a value of so many bytes was taken; `settled` when its answer is known. */
  started(line: RequestLine, bytes: number): void;
  settled(bytes: number): void;
  /** The session has answers to write: at the end of the turn `flush` is called. */
  schedule(session: Session): void;
  /** The session wants to read on: `resume` is called when there is room, in the order of asking. */
  waits(session: Session): void;
  left(session: Session): void;
  /** Removes all entries; answers what could not be done, if so. */
  clear(): Promise<string | undefined>;
  /** The answer to a request that asks nothing of the store, without its last line end; undefined for all others. */
  plainAnswer(line: RequestLine): string | undefined;
}
