/** Promises that are kept at most. A power of two. */
const places = 4096;

/** A promise takes a place that is taken once in so many times: what is asked for all the time soon has one, what is asked for now and then pushes nobody out. */
const stubborn = 8;

/**
 * Promises that callers get for entries that are asked for all the time, each kept in the place that its slot's lower bits
 * name. They are not frozen, though every caller gets the same: Node writes into promises it follows (`async_hooks`, and `AsyncLocalStorage`
 * before Node 24), and ends the process where it cannot. Memory: 100 KB and the promises, whatever the cache holds.
 */
export class HotPromises {
  readonly #slots = new Int32Array(places).fill(-1);
  readonly #promises: (Promise<unknown> | undefined)[] = Array.from({ length: places });
  #knocks = 0;

  get(slot: number): Promise<unknown> | undefined {
    const place = slot & (places - 1);
    return this.#slots[place] === slot ? this.#promises[place] : undefined;
  }

  /** May keep it. */
  offer(slot: number, promise: Promise<unknown>): void {
    const place = slot & (places - 1);
    if (this.#slots[place] !== -1 && ++this.#knocks % stubborn !== 0) return;
    this.#slots[place] = slot;
    this.#promises[place] = promise;
  }

  clear(): void {
    this.#slots.fill(-1);
    void this.#promises.fill(undefined);
  }

  /** The slot has another value, or none. */
  drop(slot: number): void {
    const place = slot & (places - 1);
    if (this.#slots[place] !== slot) return;
    this.#slots[place] = -1;
    this.#promises[place] = undefined;
  }
}
