/** The middle of several measurements and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The q-quantile (0 to 1) of the values, linear between neighbours. Throws for no values: there is nothing to tell. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('quantile of no values');
  if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile ${q} is not within 0 to 1`);
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: quantile(values, 0), max: quantile(values, 1) };
}

/**
 * How many times the baseline each measurement is, taken inside each round: both sides of one ratio were measured
 * within seconds of each other, so a machine that got slower between rounds cancels out.
 */
export function ratiosToBaseline(rounds: readonly number[], baseline: readonly number[]): number[] {
  if (rounds.length !== baseline.length) {
    throw new RangeError(`${rounds.length} rounds against ${baseline.length} of the baseline`);
  }
  return rounds.map((value, round) => value / baseline[round]!);
}

/** The order of `count` contenders in a round: every one is first, second, ... equally often over `count` rounds. */
export function rotatedOrder(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, position) => (position + round) % count);
}
