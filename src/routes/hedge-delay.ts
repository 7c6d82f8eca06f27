import { LatencyHistogram } from './latency-histogram.ts';

/** So many times are looked at together: enough for the 99th percentile, and soon enough there. */
const sample = 500;

/** After what time a request counts as slow: a fixed one, or what most of the last few hundred took. */
export class HedgeDelay {
  readonly #percentile: number | undefined;
  readonly #least: number;
  readonly #recent = new LatencyHistogram();
  #delay: number | undefined;

  /** Milliseconds. A percentile gives no delay before it knows enough, and never one below `least`. */
  constructor(fixed: number | undefined, percentile: number, least: number) {
    this.#delay = fixed;
    this.#percentile = fixed === undefined ? percentile : undefined;
    this.#least = least;
  }

  /** `undefined`: not known yet. */
  get milliseconds(): number | undefined {
    return this.#delay;
  }

  add(milliseconds: number): void {
    if (this.#percentile === undefined) return;
    this.#recent.add(milliseconds);
    if (this.#recent.count < sample) return;
    this.#delay = Math.max(this.#least, this.#recent.quantile(this.#percentile));
    this.#recent.clear();
  }
}
