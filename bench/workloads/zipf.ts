import { seededRandom } from '../../src/testing/seeded-random.ts';

/** Requests for `keys` keys, of which the one on rank r is asked for with a chance of 1 / r^`exponent`; which key has which rank is chance. */
export function zipfSequence(keys: number, requests: number, exponent: number, seed: number): Int32Array {
  const chance = seededRandom(seed);
  const random = (count: number): number => Math.floor(chance() * count);
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  const keyOf = Int32Array.from({ length: keys }, (_, rank) => rank);
  for (let rank = keys - 1; rank > 0; rank--) {
    const other = random(rank + 1);
    [keyOf[rank], keyOf[other]] = [keyOf[other]!, keyOf[rank]!];
  }
  return Int32Array.from({ length: requests }, () => {
    const drawn = chance() * sum;
    let from = 0;
    let to = keys - 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (sums[middle]! < drawn) from = middle + 1;
      else to = middle;
    }
    return keyOf[from]!;
  });
}
