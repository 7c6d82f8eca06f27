import type { Clock } from '../../core/runtime.ts';

/**
 * The wall clock of this process as a migration reads it: in Unix milliseconds, and never back by less than the skew, so that a clock
 * that is set back a little at a switch does not undo it. One that goes back further was wrong before: then it is believed.
 */
export class LocalTime {
  readonly #clock: Clock;
  readonly #skew: number;
  #latest = 0;
  #tick = 0;

  constructor(clock: Clock, skew: number) {
    this.#clock = clock;
    this.#skew = skew;
  }

  now(): number {
    const wall = this.#clock.wall();
    if (wall < this.#latest && this.#latest - wall <= this.#skew) return this.#latest;
    return (this.#latest = wall);
  }

  /**
   * As it was at the clock's last tick: about a millisecond ago, and costs a comparison. Within one turn of the event loop it stands still, however
   * long that is stopped for, so what depends on it is looked at again when the answer is there.
   */
  about(): number {
    const tick = this.#clock.tick || this.#clock.read();
    if (tick === this.#tick) return this.#latest;
    this.#tick = tick;
    return this.now();
  }
}
