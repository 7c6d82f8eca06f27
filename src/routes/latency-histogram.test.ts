import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

const times = fc.array(fc.double({ min: 0.001, max: 4_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
});

function filled(all: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const each of all) histogram.add(each);
  return histogram;
}

test('a quantile is right to within 7 % or a microsecond; count, mean and the longest are exact', () => {
  fc.assert(
    fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const histogram = filled(all);
      const sorted = all.toSorted((left, right) => left - right);
      const exact = sorted[Math.max(0, Math.ceil(share * all.length) - 1)]!;
      const told = histogram.quantile(share);
      expect(Math.abs(told - exact)).toBeLessThanOrEqual(Math.max(0.001, exact * 0.07));
      expect(told).toBeLessThanOrEqual(histogram.most);
      expect(histogram.count).toBe(all.length);
      expect(histogram.most).toBe(sorted.at(-1));
      expect(histogram.mean).toBeCloseTo(all.reduce((sum, each) => sum + each, 0) / all.length, 3);
    }),
  );
});

test('two merged are one that has seen both, and a cleared one has seen nothing', () => {
  fc.assert(
    fc.property(times, times, (left, right) => {
      const merged = filled(left);
      merged.merge(filled(right));
      const both = filled([...left, ...right]);
      for (const share of [0, 0.5, 0.99, 1]) expect(merged.quantile(share)).toBe(both.quantile(share));
      expect([merged.count, merged.most]).toEqual([both.count, both.most]);
      merged.clear();
      expect([merged.count, merged.most, merged.mean, merged.quantile(0.5)]).toEqual([0, 0, 0, 0]);
    }),
  );
});

test('what cannot be is counted all the same: no time, a negative one, one of days', () => {
  const histogram = filled([0, -5, 1e9]);
  expect(histogram.count).toBe(3);
  expect(histogram.quantile(0.5)).toBeLessThanOrEqual(0.001);
  expect(histogram.quantile(1)).toBeGreaterThan(4_000_000);
});
