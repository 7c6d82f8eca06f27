import type { KeyPart } from '../../core/key.ts';
import type { NearIndex } from './near-index.ts';

/**
 * One entry of the near tier. All entries have one shape, and what a hit reads comes first, within one cache line.
 *
 * Times are milliseconds of the monotonic clock, kept as whole ones, rounded so that nothing is served longer than was said:
 * V8 keeps whole numbers in the object itself, but each fraction in a box of its own, which costs 16 bytes and, in a large
 * cache, two cache misses per hit. (From 2^31 ms, 24 days, on they are boxed all the same.) A new entry is fresh for no time
 * at all: whoever puts it says how long it lives.
 */
export class NearEntry {
  #until = 0;
  /** Its place in the tier; -1 once it has left: replaced, deleted, evicted, or swept after a clear. */
  slot = -1;
  /** The live value, sealed. It stays when the entry leaves the tier. */
  value: unknown;
  /** Kept for hot entries. */
  promise: Promise<unknown> | undefined = undefined;
  /** The value is private: hand out copies only. */
  copied = false;
  /** Hits so far, as far as they are counted: hot entries keep a promise. */
  hits = 0;
  /** Stands for `notFound`. */
  negative = false;
  readonly index: NearIndex;
  readonly key: KeyPart;
  /** Bytes that the tier counts for it. */
  readonly weight: number;
  /** The index's when it was put. An older one is dead, though it may not have been swept yet. */
  readonly generation: number;
  #freshUntil = 0;
  #confirmedUntil = 0;
  #staleUntil = 0;
  #loadedAt = 0;
  #loadMilliseconds = 0;

  constructor(index: NearIndex, key: KeyPart, value: unknown, weight: number, generation: number) {
    this.index = index;
    this.key = key;
    this.value = value;
    this.weight = weight;
    this.generation = generation;
  }

  /** The fast path: before it the entry is fresh and not due for a refresh. */
  get until(): number {
    return this.#until;
  }

  set until(time: number) {
    this.#until = Math.floor(time);
  }

  /** Fresh by the entry's own life. */
  get freshUntil(): number {
    return this.#freshUntil;
  }

  set freshUntil(time: number) {
    this.#freshUntil = Math.floor(time);
  }

  /** May be served without asking the remote tier. */
  get confirmedUntil(): number {
    return this.#confirmedUntil;
  }

  set confirmedUntil(time: number) {
    this.#confirmedUntil = Math.floor(time);
  }

  /** May be served stale, at the latest. */
  get staleUntil(): number {
    return this.#staleUntil;
  }

  set staleUntil(time: number) {
    this.#staleUntil = Math.floor(time);
  }

  get loadedAt(): number {
    return this.#loadedAt;
  }

  set loadedAt(time: number) {
    this.#loadedAt = Math.floor(time);
  }

  /** How long the load took; rounded up. */
  get loadMilliseconds(): number {
    return this.#loadMilliseconds;
  }

  set loadMilliseconds(length: number) {
    this.#loadMilliseconds = Math.ceil(length);
  }
}
