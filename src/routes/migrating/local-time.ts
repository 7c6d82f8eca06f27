import type { Clock } from '../../core/runtime.ts';

/**
 * The wall clock of this process as a migration reads it: in Unix milliseconds, and never back by less than the skew, so that a clock
 * that is set back a little at a switch does not undo it. One that goes back further was wrong before: then it is believed.
 */
export class LocalTime {
  readonly #clock: Clock;
  readonly #skew: number;
  #latest = 0;

  constructor(clock: Clock, skew: number) {
    this.#clock = clock;
    this.#skew = skew;
  }

  now(): number {
    const wall = this.#clock.wall();
    if (wall < this.#latest && this.#latest - wall <= this.#skew) return this.#latest;
    return (this.#latest = wall);
  }
}
