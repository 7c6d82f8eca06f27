import { expect, test } from 'vitest';
import { Chance } from './chance.ts';

/** The seed that makes this the generator's first state. */
function seedOf(state: bigint): number {
  // The inverse of the factor 0x9e3779b1 modulo 2 to the power of 32.
  let inverse = 1n;
  for (let step = 0; step < 5; step++) inverse = (inverse * (2n - 0x9e3779b1n * inverse)) & 0xffff_ffffn;
  return Number(BigInt.asIntN(32, state * inverse));
}

test('gives the numbers of the published generator', () => {
  const chance = new Chance(seedOf(2463534242n));
  const numbers = Array.from({ length: 3 }, () => chance.below(0x1_0000_0000));
  expect(numbers).toEqual([723471715, 2497366906, 2064144800]);
});

test('any seed will do, and numbers stay below the limit', () => {
  for (const seed of [0, 1, -1, 0x8000_0000, 0x7fff_ffff]) {
    const chance = new Chance(seed);
    const seen = new Set(Array.from({ length: 200 }, () => chance.below(7)));
    expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  }
});
