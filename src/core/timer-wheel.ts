import type { Timer } from './runtime.ts';

const slots = 256;
const mask = slots - 1;

class Entry implements Timer {
  due: number;
  callback: (() => void) | undefined;
  readonly keepAlive: boolean;
  readonly wheel: TimerWheel;
  level = 0;
  slot = 0;

  constructor(wheel: TimerWheel, due: number, callback: () => void, keepAlive: boolean) {
    this.wheel = wheel;
    this.due = due;
    this.callback = callback;
    this.keepAlive = keepAlive;
  }

  cancel(): void {
    this.wheel.remove(this);
  }
}

/**
 * All timers of a runtime on one hierarchical wheel with a resolution of 1 ms, driven by one timer of the platform:
 * adding and cancelling cost O(1), and the platform is asked only for the nearest slot in use.
 * Four levels of 256 slots reach 2^32 ms (49 days); what is further away waits in the last slot and is put in again.
 *
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 7.
 */
export class TimerWheel {
  readonly #now: () => number;
  readonly #arm: (milliseconds: number | undefined, keepAlive: boolean) => void;
  readonly #levels: Set<Entry>[][] = Array.from({ length: 4 }, () =>
    Array.from({ length: slots }, () => new Set<Entry>()),
  );
  readonly #counts: [number, number, number, number] = [0, 0, 0, 0];
  /** The millisecond up to which everything has run. */
  #time: number;
  #waking = Number.POSITIVE_INFINITY;
  #wakingKeepsAlive = false;
  #alive = 0;
  #size = 0;

  constructor(now: () => number, arm: (milliseconds: number | undefined, keepAlive: boolean) => void) {
    this.#now = now;
    this.#arm = arm;
    this.#time = Math.floor(now());
  }

  get size(): number {
    return this.#size;
  }

  add(milliseconds: number, callback: () => void, keepAlive: boolean): Timer {
    const now = this.#now();
    if (this.#size === 0) this.#time = Math.floor(now);
    const entry = new Entry(
      this,
      Math.max(this.#time + 1, Math.ceil(now + milliseconds)),
      callback,
      keepAlive,
    );
    this.#place(entry);
    this.#size++;
    if (keepAlive) this.#alive++;
    if (entry.due < this.#waking || (keepAlive && !this.#wakingKeepsAlive))
      this.#wake(Math.min(entry.due, this.#waking));
    return entry;
  }

  remove(entry: Entry): void {
    if (entry.callback === undefined) return;
    entry.callback = undefined;
    if (this.#levels[entry.level]![entry.slot]!.delete(entry)) this.#counts[entry.level]!--;
    this.#size--;
    if (entry.keepAlive && --this.#alive === 0 && this.#wakingKeepsAlive) this.#wake(this.#waking);
    if (this.#size === 0) this.#wake(Number.POSITIVE_INFINITY);
  }

  /** Runs what is due by now, in the order of the due times, and arms the platform's timer for the rest. A callback that throws does not stop the others. */
  advance(): void {
    const now = Math.floor(this.#now());
    let failure: { readonly thrown: unknown } | undefined;
    this.#waking = Number.POSITIVE_INFINITY;
    while (this.#size > 0) {
      const next = this.#nextStop();
      if (next > now) break;
      this.#time = next;
      this.#cascade(next);
      for (const entry of this.#take(0, next & mask)) {
        const callback = entry.callback;
        if (callback === undefined) continue;
        entry.callback = undefined;
        this.#size--;
        if (entry.keepAlive) this.#alive--;
        try {
          callback();
        } catch (thrown) {
          failure ??= { thrown };
        }
      }
    }
    if (now > this.#time) this.#time = this.#size === 0 ? now : Math.min(now, this.#nextStop() - 1);
    this.#wake(this.#size === 0 ? Number.POSITIVE_INFINITY : this.#nextStop());
    if (failure !== undefined) throw failure.thrown;
  }

  #wake(due: number): void {
    const keepAlive = this.#alive > 0;
    this.#waking = due;
    this.#wakingKeepsAlive = keepAlive;
    this.#arm(
      due === Number.POSITIVE_INFINITY ? undefined : Math.max(1, Math.ceil(due - this.#now())),
      keepAlive,
    );
  }

  #place(entry: Entry): void {
    const distance = entry.due - this.#time;
    let level = 0;
    while (level < 3 && distance >= slots ** (level + 1)) level++;
    const reach = Math.min(entry.due, this.#time + slots ** 4 - slots ** 3);
    entry.level = level;
    entry.slot = Math.floor(reach / slots ** level) & mask;
    this.#levels[level]![entry.slot]!.add(entry);
    this.#counts[level]!++;
  }

  /** The next millisecond at which a slot of some level must be emptied: run (level 0), or dealt out to lower levels. */
  #nextStop(): number {
    let nearest = Number.POSITIVE_INFINITY;
    for (let level = 0; level < 4; level++) {
      if (this.#counts[level] === 0) continue;
      const width = slots ** level;
      const current = Math.floor(this.#time / width);
      for (let step = 1; step <= slots; step++) {
        if (this.#levels[level]![(current + step) & mask]!.size > 0) {
          nearest = Math.min(nearest, (current + step) * width);
          break;
        }
      }
    }
    return nearest;
  }

  #cascade(time: number): void {
    for (let level = 3; level > 0; level--) {
      const width = slots ** level;
      if (time % width !== 0) continue;
      for (const entry of this.#take(level, (time / width) & mask)) {
        if (entry.due <= time) entry.due = time;
        this.#place(entry);
      }
    }
  }

  #take(level: number, slot: number): readonly Entry[] {
    const set = this.#levels[level]![slot]!;
    if (set.size === 0) return [];
    const entries = [...set];
    set.clear();
    this.#counts[level]! -= entries.length;
    return entries;
  }
}
