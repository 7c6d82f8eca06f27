import { scaleLinear, scaleLog } from 'd3-scale';

/** An axis: where a value lies, in pixels, and which values are marked. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

/** A logarithmic axis over positive values. */
export function logScale(
  domain: readonly [number, number],
  range: readonly [number, number],
  text: (value: number) => string,
): Scale {
  const scale = scaleLog().domain(domain).range(range);
  const decades = Math.log10(domain[1] / domain[0]);
  // The steps within a decade are marked while there is room for their texts.
  const steps = decades > 5 ? [1] : decades > 1.5 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 8];
  const ticks = scale
    .ticks(100)
    .filter((value) =>
      steps.includes(Number((value / 10 ** Math.floor(Math.log10(value) + 1e-9)).toPrecision(6))),
    );
  return { at: (value) => scale(value), ticks: ticks.map((value) => ({ value, text: text(value) })) };
}

/** A linear axis that ends at round numbers. */
export function linearScale(
  domain: readonly [number, number],
  range: readonly [number, number],
  text: (value: number) => string,
): Scale {
  const scale = scaleLinear().domain(domain).range(range).nice(8);
  return {
    at: (value) => scale(value),
    ticks: scale.ticks(8).map((value) => ({ value, text: text(value) })),
  };
}
