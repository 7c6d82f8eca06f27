import { expect, test } from 'vitest';
import type { Figures, SideFigures } from './figures.ts';
import { ratioOf } from './figures.ts';
import { tableOf } from './table.ts';

function figures(factor: number, hitRatio?: Figures['hitRatio']): Figures {
  return {
    rps: 100 * factor,
    p50: 200 / factor,
    p99: 500 / factor,
    dbQueries: 300 / factor,
    loadsPerKey: 50 / factor,
    staleAnswers: 0,
    errors: 0,
    ...(hitRatio && { hitRatio }),
  };
}

function side(each: Figures): SideFigures {
  return {
    ...each,
    requests: 1000,
    endpoints: { home: each, product: each, search: each, price: each, stock: each },
  };
}

const table = tableOf(side(figures(1)), side(figures(10, { near: 0.512, remote: 0.9 })));

test('the table fits into 80 columns', () => {
  expect(Math.max(...table.split('\n').map((line) => line.trimEnd().length))).toBeLessThanOrEqual(80);
});

test('the table shows both sides of every page, and how many times better the second is', () => {
  const words = table.split('\n').map((line) => line.trim().split(/\s+/));
  expect(words.filter((line) => line.includes('without'))).toHaveLength(6);
  expect(words.find((line) => line[0] === 'all')).toEqual([
    'all',
    'without',
    '100',
    '200',
    '500',
    '300',
    '-',
    '-',
    '50.0',
    '0',
  ]);
  expect(words.find((line) => line[0] === 'with')).toEqual([
    'with',
    '1,000',
    '20.0',
    '50.0',
    '30.0',
    '51.2%',
    '90.0%',
    '5.00',
    '0',
  ]);
  expect(words.find((line) => line[0] === 'better')).toEqual([
    'better',
    '10.0',
    'x',
    '10.0',
    'x',
    '10.0',
    'x',
    '10.0',
    'x',
  ]);
});

test('a ratio tells how many times better the second side is, and null where there is nothing to divide', () => {
  expect(ratioOf(figures(1), figures(4))).toEqual({ p50: 4, p99: 4, rps: 4, dbQueries: 4 });
  expect(ratioOf(figures(1), { ...figures(4), dbQueries: 0 }).dbQueries).toBeNull();
});
