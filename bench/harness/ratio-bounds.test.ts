import { expect, test } from 'vitest';
import { breaches } from './ratio-bounds.ts';
import type { RatioPoint } from './ratio-points.ts';

const point = (ratio: number, peers: Record<string, number>): RatioPoint => ({
  trace: 'made-up',
  size: 100,
  requests: 100_000,
  ratio,
  peers: new Map(Object.entries(peers)),
});

test('a point out of bounds is told, on either side, and the worst first', () => {
  expect(breaches('lru', [point(0.5, { LRU: 0.5 })], false)).toEqual([]);
  expect(breaches('lru', [point(0.5, { LRU: 0.500_001 }), point(0.5, { LRU: 0.4 })], false)).toEqual([
    'made-up at 100: 0.500000 against 0.400000 of LRU',
    'made-up at 100: 0.500000 against 0.500001 of LRU',
  ]);
});

test('a peer that is not in the reference is told: what compares nothing must not pass', () => {
  expect(breaches('lru', [point(0.5, { FIFO: 0.5 })], false)).toEqual(['LRU is not in the reference']);
});

test('the best policy must reach its mean, on all traces only', () => {
  const poor = [point(0.4, { LRU: 0.4, 'Caffeine-HEAD': 0.4 })];
  expect(breaches('w-tinylfu', poor, false)).toEqual([]);
  expect(breaches('w-tinylfu', poor, true)).toContain('mean of all traces: 0.4000 instead of 0.427');
});
