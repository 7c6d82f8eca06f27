import type { Duration } from '../core/duration.ts';
import type { Confirmation } from './writer.ts';

/** For one read. */
export interface ReadOptions {
  /** Leaves when aborted: the call rejects with the signal's reason; the load goes on while others wait for it. */
  readonly signal?: AbortSignal;
  /** Instead of the cache's `deadline`. */
  readonly deadline?: Duration;
}

export interface MutateOptions<Id, R> {
  /** Ids that are known only from the result of the write: invalidated, too. */
  readonly also?: (result: R) => readonly Id[] | Promise<readonly Id[]>;
}

export interface Mutation<R> extends Confirmation {
  readonly result: R;
}
