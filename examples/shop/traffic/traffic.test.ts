import { expect, test } from 'vitest';
import { sizes } from '../database/schema.ts';
import { Freshness } from './freshness.ts';
import { Latencies } from './latencies.ts';
import { randomFrom } from './random.ts';
import { shopper, type Step } from './shopper.ts';
import { zipf } from './zipf.ts';

function steps(seed: number, number: number, count: number): Step[] {
  const source = shopper(seed, number, 100);
  return Array.from({ length: count }, () => source.next().value);
}

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (...seed: number[]): number[] => {
    const random = randomFrom(...seed);
    return Array.from({ length: 100 }, () => random.next());
  };
  expect(draw(1, 2)).toEqual(draw(1, 2));
  expect(draw(1, 2)).not.toEqual(draw(2, 1));
  expect(draw(1)).not.toEqual(draw(1, 0));
});

test('random numbers spread evenly', () => {
  const random = randomFrom(3);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let round = 0; round < 100_000; round++) counts[random.between(0, 9)]!++;
  // Ten thousand each, with a standard deviation of 95.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test(`Zipf's law: rank r comes in proportion to 1 / r`, () => {
  const random = randomFrom(4);
  const draw = zipf(1000, 1);
  const counts = new Map<number, number>();
  const draws = 200_000;
  for (let round = 0; round < draws; round++) {
    const rank = draw(random);
    counts.set(rank, (counts.get(rank) ?? 0) + 1);
  }
  const harmonic = Array.from({ length: 1000 }, (_, index) => 1 / (index + 1)).reduce(
    (sum, term) => sum + term,
    0,
  );
  for (const rank of [1, 2, 3, 10, 30]) {
    const expected = draws / (rank * harmonic);
    expect(Math.abs(counts.get(rank)! - expected)).toBeLessThan(6 * Math.sqrt(expected));
  }
  expect(Math.min(...counts.keys())).toBe(1);
  expect(Math.max(...counts.keys())).toBeLessThanOrEqual(1000);
});

test('a shopper does the same with the same seed and number, and two shoppers differ', () => {
  expect(steps(7, 1, 200)).toEqual(steps(7, 1, 200));
  expect(steps(7, 1, 200)).not.toEqual(steps(7, 2, 200));
  expect(steps(7, 1, 200)).not.toEqual(steps(8, 1, 200));
});

test('shoppers read far more than they change, and ask for what there is', () => {
  const all = Array.from({ length: 20 }, (_, number) => steps(7, number, 1000)).flat();
  const changes = all.filter((step) => step.method !== 'GET').length / all.length;
  expect(changes).toBeGreaterThan(0.005);
  expect(changes).toBeLessThan(0.02);
  for (const { path } of all) {
    const id = /^\/products\/(\d+)/.exec(path)?.[1];
    if (id !== undefined) expect(Number(id)).toBeLessThanOrEqual(sizes.products);
  }
  const think = all.reduce((sum, step) => sum + step.thinkFor, 0) / all.length;
  expect(think).toBeGreaterThan(90);
  expect(think).toBeLessThan(110);
});

test('percentiles are the smallest value that the share does not exceed', () => {
  const latencies = new Latencies();
  expect(latencies.percentile(0.5)).toBe(0);
  for (let value = 5000; value >= 1; value--) latencies.add(value);
  expect(latencies.count).toBe(5000);
  expect(latencies.percentile(0.5)).toBe(2500);
  expect(latencies.percentile(0.99)).toBe(4950);
  expect(latencies.percentile(1)).toBe(5000);
  const both = new Latencies();
  both.add(10_000);
  both.addAll(latencies);
  expect(both.percentile(1)).toBe(10_000);
});

test('an answer is stale if it was asked for after a confirmed change and shows an older version', () => {
  const freshness = new Freshness();
  freshness.confirmed(1, 2, 100);
  freshness.confirmed(1, 3, 200);
  expect(freshness.stale(1, 1, 150, 0)).toBe(true);
  expect(freshness.stale(1, 2, 150, 0)).toBe(false);
  expect(freshness.stale(1, 2, 201, 0)).toBe(true);
  expect(freshness.stale(1, 3, 201, 0)).toBe(false);
  // A later change that this reader did not have to see is no fault.
  expect(freshness.stale(1, 4, 201, 0)).toBe(false);
  // The change was not confirmed when the answer was asked for.
  expect(freshness.stale(1, 1, 100, 0)).toBe(false);
  // Changes that nobody knows of.
  expect(freshness.stale(2, 1, 1000, 0)).toBe(false);
});

test('a bound lets answers lag behind for so long, and no longer', () => {
  const freshness = new Freshness();
  freshness.confirmed(1, 2, 100);
  expect(freshness.stale(1, 1, 4000, 4000)).toBe(false);
  expect(freshness.stale(1, 1, 4101, 4000)).toBe(true);
});

test('changes may be confirmed in another order than they were made', () => {
  const freshness = new Freshness();
  freshness.confirmed(1, 3, 100);
  freshness.confirmed(1, 2, 110);
  expect(freshness.stale(1, 2, 105, 0)).toBe(true);
  expect(freshness.stale(1, 2, 120, 0)).toBe(true);
});
