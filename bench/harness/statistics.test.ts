import { describe, expect, test } from 'vitest';
import { median, quantile, ratiosToBaseline, rotatedOrder, spread } from './statistics.ts';

describe('statistics of the benchmarks', () => {
  test('the median of an odd number of values is the middle one, of an even number the mean of the middle two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
    expect(median([3])).toBe(3);
  });

  test('values are compared as numbers and left as they were', () => {
    const values = [100, 9, 20];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  test('quantiles lie between the neighbours they fall between', () => {
    const values = Array.from({ length: 101 }, (_, index) => 100 - index);
    expect(quantile(values, 0)).toBe(0);
    expect(quantile(values, 0.99)).toBeCloseTo(99);
    expect(quantile(values, 1)).toBe(100);
    expect(quantile([1, 2], 0.25)).toBe(1.25);
  });

  test('the spread names the extremes', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  });

  test('no values and quantiles out of range are refused', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => quantile([1], 1.1)).toThrow(RangeError);
    expect(() => quantile([1], Number.NaN)).toThrow(RangeError);
  });

  test('ratios are taken inside each round: a slow round of both does not move them', () => {
    const baseline = [10, 10, 100, 10];
    const other = [20, 30, 200, 25];
    expect(ratiosToBaseline(other, baseline)).toEqual([2, 3, 2, 2.5]);
    expect(spread(ratiosToBaseline(other, baseline)).median).toBe(2.25);
    expect(() => ratiosToBaseline([1], [1, 2])).toThrow(RangeError);
  });

  test('over as many rounds as contenders everybody has every place once', () => {
    for (const count of [1, 2, 7]) {
      const places = Array.from({ length: count }, (_, round) => rotatedOrder(count, round));
      for (const order of places)
        expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      for (let place = 0; place < count; place++) {
        expect(new Set(places.map((order) => order[place])).size).toBe(count);
      }
    }
  });
});
