import type { Random } from './random.ts';

/**
 * Draws ranks 1 to `count`, rank r with a chance in proportion to 1 / r^exponent (Zipf's law): a few things are asked for
 * all the time, most hardly ever. Exact, by binary search in the cumulated chances.
 */
export function zipf(count: number, exponent: number): (random: Random) => number {
  const cumulated = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += (index + 1) ** -exponent;
    cumulated[index] = sum;
  }
  return (random) => {
    const target = random.next() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return low + 1;
  };
}
