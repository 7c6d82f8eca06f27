/** How long a call of the application took, in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly took: number;
  readonly id: string;
}

/** The times of all reads of a run. */
export class Samples {
  readonly #all: Sample[] = [];

  add(sample: Sample): void {
    this.#all.push(sample);
  }

  /** The times of those that were asked from one time to another, in order of length. */
  between(from: number, to: number, meant: (id: string) => boolean = () => true): Float64Array {
    const taken = this.#all.filter(({ at, id }) => at >= from && at < to && meant(id));
    return Float64Array.from(taken, ({ took }) => took).sort();
  }
}

/** The q-quantile of times in order; 0 for none. */
export function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

/** For people and for `details`. */
export function spreadOf(sorted: Float64Array): {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
} {
  return {
    count: sorted.length,
    p50: rounded(quantile(sorted, 0.5)),
    p99: rounded(quantile(sorted, 0.99)),
    most: rounded(sorted.at(-1) ?? 0),
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
