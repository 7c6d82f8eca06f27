import type { Clock } from '../core/runtime.ts';

/**
 * So many per second on average, and `burst` at once: a bucket that fills steadily and is emptied by who takes from it. Costs no
 * timer; refilled when somebody asks.
 */
export class TokenBucket {
  readonly #perMillisecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perMillisecond = perSecond / 1000;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#filledAt = clock.read();
  }

  /** Whether there was one to take. */
  take(): boolean {
    const now = this.#clock.tick || this.#clock.read();
    if (now > this.#filledAt) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perMillisecond);
      this.#filledAt = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
