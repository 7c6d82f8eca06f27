import type { KeyPart } from '../../core/key.ts';
import type { NearIndex } from './near-index.ts';

/**
 * One entry of the near tier. All entries have one shape, and every time is a fraction from the start, so that code that
 * reads them stays monomorphic. Times are milliseconds of the monotonic clock; a new entry is fresh for no time at all:
 * whoever puts it says how long it lives.
 */
export class NearEntry {
  readonly index: NearIndex;
  readonly key: KeyPart;
  /** The live value, sealed; it is kept when the entry leaves the tier. */
  value: unknown;
  /** The fast path: before it the entry is fresh and not due for a refresh. */
  until: number = Number.NEGATIVE_INFINITY;
  /** Fresh by the entry's own life. */
  freshUntil: number = Number.NEGATIVE_INFINITY;
  /** May be served without asking the remote tier. */
  confirmedUntil: number = Number.NEGATIVE_INFINITY;
  /** May be served stale, at the latest. */
  staleUntil: number = Number.NEGATIVE_INFINITY;
  loadedAt: number = Number.NEGATIVE_INFINITY;
  loadMilliseconds: number = Number.NEGATIVE_INFINITY;
  /** Stands for `notFound`. */
  negative = false;
  /** The value is private: hand out copies only. */
  copied = false;
  /** Hits so far, as far as they are counted: hot entries keep a promise. */
  hits = 0;
  promise: Promise<unknown> | undefined = undefined;
  /** Its place in the tier; -1 once it has left: replaced, deleted, evicted, or swept after a clear. */
  slot = -1;
  /** Bytes that the tier counts for it. */
  readonly weight: number;
  /** The index's when it was put. An older one is dead, though it may not have been swept yet. */
  readonly generation: number;

  constructor(index: NearIndex, key: KeyPart, value: unknown, weight: number, generation: number) {
    this.index = index;
    this.key = key;
    this.value = value;
    this.weight = weight;
    this.generation = generation;
  }
}
