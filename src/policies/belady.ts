import type { Policy, PolicyOptions } from './policy.ts';
import { ResidentWeight } from './resident-weight.ts';
import { Int32Slots } from './slot-array.ts';

/** Stands for a request that never comes. */
export const never = 0x7fff_ffff;

/**
 * For each request of a trace, the number of the next one for the same key, `never` if there is none. Keys are numbers from
 * 0 to `keys` - 1.
 */
export function nextRequests(requests: Int32Array, keys: number): Int32Array {
  const next = new Int32Array(requests.length);
  const coming = new Int32Array(keys).fill(never);
  for (let at = requests.length - 1; at >= 0; at--) {
    const key = requests[at]!;
    next[at] = coming[key]!;
    coming[key] = at;
  }
  return next;
}

export interface BeladyOptions extends PolicyOptions {
  /** By the number of a request: the number of the next one for the same key, as `nextRequests` finds it. */
  readonly nextRequests: Int32Array;
}

/**
 * The optimum, also called MIN or OPT: the entry goes that will not be asked for for the longest (Belady, "A study of
 * replacement algorithms for a virtual-storage computer", 1966). No policy that keeps every newcomer has more hits while all
 * entries weigh the same. It has to know the future: it is for simulators, and counts the requests by `hit` and `miss` to
 * know where in the trace it is, so each request must be told by one of them, and `insert` must follow its `miss`.
 *
 * Cost: O(log n) per request, in a heap; 12 bytes per slot, and 4 per request of the trace.
 */
export class BeladyPolicy implements Policy {
  readonly #nextRequests: Int32Array;
  /** The slots inside as a heap: each place's entry is asked for no later than that of the place (itself - 1) / 2. */
  readonly #heap = new Int32Slots();
  /** The place of each slot in the heap. */
  readonly #places = new Int32Slots();
  /** When each slot is asked for next. */
  readonly #times = new Int32Slots();
  readonly #inside: ResidentWeight;
  /** Requests told so far. */
  #told = 0;

  constructor(options: BeladyOptions) {
    this.#inside = new ResidentWeight(options.weightOf);
    this.#nextRequests = options.nextRequests;
  }

  get size(): number {
    return this.#inside.size;
  }

  get weight(): number {
    return this.#inside.weight;
  }

  hit(slot: number): void {
    this.#times.set(slot, this.#nextRequests[this.#told++] ?? never);
    this.#rise(slot, this.#places.get(slot));
  }

  miss(): void {
    this.#told++;
  }

  insert(slot: number): void {
    const place = this.#inside.size;
    this.#heap.reserve(place);
    this.#places.reserve(slot);
    this.#times.reserve(slot);
    this.#times.set(slot, this.#nextRequests[this.#told - 1] ?? never);
    this.#inside.add(slot);
    this.#rise(slot, place);
  }

  remove(slot: number): void {
    this.#inside.subtract(slot);
    const place = this.#places.get(slot);
    const last = this.#heap.get(this.#inside.size);
    if (last === slot) return;
    if (this.#times.get(last) > this.#times.get(slot)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  reweigh(_slot: number, difference: number): void {
    this.#inside.weight += difference;
  }

  victim(): number {
    return this.#inside.size === 0 ? -1 : this.#heap.get(0);
  }

  resize(): void {}

  /** Puts a slot at a place, or as far above it as its time is later than those there. */
  #rise(slot: number, place: number): void {
    const time = this.#times.get(slot);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#heap.get(parent);
      if (this.#times.get(above) >= time) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(slot, place);
  }

  /** Puts a slot at a place, or as far below it as its time is earlier than those there. */
  #sink(slot: number, place: number): void {
    const time = this.#times.get(slot);
    const { size } = this.#inside;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      let below = this.#heap.get(child);
      if (child + 1 < size) {
        const other = this.#heap.get(child + 1);
        if (this.#times.get(other) > this.#times.get(below)) {
          below = other;
          child++;
        }
      }
      if (this.#times.get(below) <= time) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(slot, place);
  }

  #put(slot: number, place: number): void {
    this.#heap.set(place, slot);
    this.#places.set(slot, place);
  }
}
