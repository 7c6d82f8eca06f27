import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeavyHitters } from './heavy-hitters.ts';
import { seededRandom } from '../testing/seeded-random.ts';

/** Every key by its true count. */
class Exact {
  readonly counts = new Map<number, number>();
  total = 0;

  record(hash: number, times: number): void {
    this.counts.set(hash, (this.counts.get(hash) ?? 0) + times);
    this.total += times;
  }

  age(factor: number): void {
    for (const [hash, count] of this.counts) this.counts.set(hash, count * factor);
    this.total *= factor;
  }
}

function checkBounds(sketch: HeavyHitters, exact: Exact): void {
  const most = exact.total / sketch.counters;
  const grain = 1e-9 * exact.total + 1e-12;
  for (const [hash, count] of exact.counts) {
    const slot = sketch.find(hash);
    if (slot < 0) {
      expect(count).toBeLessThanOrEqual(most + grain);
      continue;
    }
    expect(sketch.count(slot)).toBeGreaterThanOrEqual(count - grain);
    expect(sketch.least(slot)).toBeLessThanOrEqual(count + grain);
    expect(sketch.count(slot) - sketch.least(slot)).toBeLessThanOrEqual(most + grain);
  }
}

/** Draws ranks from 0 by Zipf's law. */
function zipf(keys: number, exponent: number, random: () => number): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const spread = (key: number): number => Math.imul(key + 1, 0x85ebca6b) | 0;

test('counts are within their bounds, whatever is asked for in which order, while all ages', () => {
  const keys = fc.oneof(
    fc.integer({ min: 0, max: 5 }),
    fc.integer({ min: 0, max: 60 }),
    // The same place in the table, and keys that look like an empty one.
    fc.integer({ min: 0, max: 100 }).map((key) => key << 20),
    fc.constantFrom(0, -1, -(2 ** 31), 2 ** 31 - 1),
  );
  const steps = fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ hash: keys, times: fc.integer({ min: 1, max: 16 }) }) },
      { weight: 1, arbitrary: fc.constantFrom(0.5, 0.98, 1, 1e-9) },
    ),
    { maxLength: 600, size: 'max' },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const sketch = new HeavyHitters(16);
      const exact = new Exact();
      for (const step of all) {
        if (typeof step === 'number') {
          sketch.age(step);
          exact.age(step);
        } else {
          const slot = sketch.record(step.hash, step.times);
          exact.record(step.hash, step.times);
          expect(sketch.find(step.hash)).toBe(slot);
        }
      }
      checkBounds(sketch, exact);
    }),
    { numRuns: 300 },
  );
});

test('the most asked for of a million keys are found, with their counts', () => {
  const random = seededRandom(1);
  const draw = zipf(1_000_000, 0.99, random);
  const sketch = new HeavyHitters(2048);
  const exact = new Exact();
  for (let request = 0; request < 400_000; request++) {
    const hash = spread(draw());
    sketch.record(hash);
    exact.record(hash, 1);
  }
  checkBounds(sketch, exact);
  const top = [...exact.counts].toSorted(([, one], [, other]) => other - one).slice(0, 100);
  // Far within the bound, which is 195: what is seldom asked for shares the low counters.
  for (const [hash, count] of top) {
    expect(sketch.count(sketch.find(hash)) - count).toBeLessThan(120);
    expect(count - sketch.least(sketch.find(hash))).toBeLessThan(120);
  }
});

describe('keys that are chosen against it', () => {
  test('do not push out what is asked for more often than their share', () => {
    const sketch = new HeavyHitters(256);
    const hot = spread(7);
    for (let round = 0; round < 20_000; round++) {
      // Each of them new, and many in the same place.
      for (let key = 0; key < 20; key++) sketch.record(spread(1000 + 20 * round + key));
      sketch.record(hot);
    }
    const slot = sketch.find(hot);
    expect(sketch.count(slot)).toBeGreaterThanOrEqual(20_000);
    expect(sketch.least(slot)).toBeGreaterThan(20_000 - (21 * 20_000) / 256);
  });

  test('nor is a key that comes once ever certain to have come often', () => {
    const sketch = new HeavyHitters(64);
    for (let key = 0; key < 50_000; key++) expect(sketch.least(sketch.record(spread(key)))).toBeCloseTo(1, 6);
  });
});

test('the number of counters has its range', () => {
  for (const wrong of [0, 15, 16.5, Number.NaN, (1 << 20) + 1])
    expect(() => new HeavyHitters(wrong)).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }));
  expect(new HeavyHitters(16).counters).toBe(16);
});
