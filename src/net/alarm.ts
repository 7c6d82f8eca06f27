import type { Runtime, Timer } from '../core/runtime.ts';

/**
 * One timer that is set to the nearest of several times. It does not keep the process alive. It tells late from blocked: when it rings
 * late by `blindness` or more, this process was busy with something else, and nobody could have heard an answer meanwhile.
 */
export class Alarm {
  readonly #runtime: Runtime;
  readonly #blindness: number;
  readonly #rings: () => void;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  /** The end of the last time in which the event loop was blocked, in monotonic milliseconds; 0: never. */
  blindUntil = 0;

  /** `rings` runs behind the reading of all sockets: what had come before the time is known by then. */
  constructor(runtime: Runtime, blindness: number, rings: () => void) {
    this.#runtime = runtime;
    this.#blindness = blindness;
    this.#rings = rings;
  }

  /** Rings at this time at the latest. */
  watch(at: number, now: number): void {
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#runtime.after(at - now, this.#ring, false);
  }

  /** Never again. */
  stop(): void {
    this.#timer?.cancel();
    this.#at = Number.NEGATIVE_INFINITY;
  }

  readonly #ring = (): void => {
    const now = this.#runtime.clock.read();
    if (now - this.#at >= this.#blindness) this.blindUntil = now;
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    this.#runtime.defer(this.#rings);
  };
}
