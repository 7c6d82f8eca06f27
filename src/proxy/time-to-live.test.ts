import { expect, test } from 'vitest';
import { longestLife } from '../core/store.ts';
import { leaseOf, lifeOf, millisecondsOf, recacheOf, secondsLeft } from './time-to-live.ts';

const now = Date.UTC(2026, 0, 1);
const wall = (): number => now;

test.each([
  [undefined, Number.POSITIVE_INFINITY],
  [0, Number.POSITIVE_INFINITY],
  [1, 1000],
  [2_592_000, longestLife],
  [2_592_001, 0],
  [now / 1000 + 60, 60_000],
  [now / 1000 + 90 * 86_400, 90 * 86_400_000],
  [now / 1000 - 1, 0],
  [-1, 0],
  [-2_147_483_648, 0],
])('a time of %s is so many milliseconds: %s', (time, milliseconds) => {
  expect(millisecondsOf(time, wall)).toBe(milliseconds);
  expect(lifeOf(time, wall)).toEqual({ freshFor: milliseconds, staleFor: 0 });
});

test('a lease has an end, and a beginning', () => {
  expect([0, -1, 1, 2_592_000].map((time) => leaseOf(time, wall))).toEqual([
    longestLife,
    1,
    1000,
    longestLife,
  ]);
});

test('R is met when fewer whole seconds are left, rounded up', () => {
  for (const [threshold, left, met] of [
    [10, 9000, true],
    [10, 9001, false],
    [10, 10_000, false],
    [1, 1, false],
    [0, 1, false],
    [-5, 1, false],
    [2_592_001, 1, false],
  ] as const) {
    const recache = recacheOf(threshold);
    // The store compares by less, so that a whole second counts as the next one does.
    expect(recache !== undefined && secondsLeft(left) < threshold).toBe(met);
    if (recache !== undefined) expect(left - 1 < recache).toBe(met);
  }
});

test('the seconds left are rounded up, and never negative', () => {
  expect([Number.POSITIVE_INFINITY, 60_000, 59_001, 1, 0, -5].map(secondsLeft)).toEqual([
    -1, 60, 60, 1, 0, 0,
  ]);
});
