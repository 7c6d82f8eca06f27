import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { isUnstorable, seal } from './seal.ts';
import type { Sharing } from './seal.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const numbers = (count: number, step: number): number[] =>
  Array.from({ length: count }, (_, index) => index + step);

/** How many values, how they are made, and how far the estimate may be from the heap. */
const cases: readonly [string, number, Sharing, (number: number) => unknown, number, number][] = [
  ['fields', 20_000, 'frozen', (id) => ({ id, a: 1, b: true, c: null, d: undefined, e: 2 }), 0.8, 1.2],
  ['fractions in fields', 20_000, 'frozen', (id) => ({ a: id + 0.5, b: id + 0.25, c: id * 1e10 }), 0.8, 1.2],
  [
    'parsed rows',
    20_000,
    'frozen',
    (id) => JSON.parse(`{"id":${id},"n":"name ${id}"}`) as unknown,
    0.8,
    1.25,
  ],
  ['long text', 2000, 'frozen', (id) => [`${id} ${'x'.repeat(3000)}`.toUpperCase()], 0.9, 1.1],
  [
    'long text of any alphabet',
    2000,
    'frozen',
    (id) => [`${id} ${'é→'.repeat(1500)}`.toUpperCase()],
    0.9,
    1.1,
  ],
  ['integers in an array', 1000, 'frozen', () => numbers(500, 0), 0.9, 1.1],
  ['fractions in a frozen array', 1000, 'frozen', () => numbers(500, 0.5), 0.9, 1.1],
  ['fractions in an array', 1000, 'shared', () => numbers(500, 0.5), 0.9, 3.1],
  [
    'objects in an array',
    300,
    'frozen',
    () => numbers(100, 0).map((id) => ({ id, name: `n ${id}` })),
    0.75,
    1.25,
  ],
  ['dates', 10_000, 'frozen', (id) => new Date(id * 1e9), 0.8, 1.2],
  ['changeable dates', 10_000, 'shared', (id) => new Date(id * 1e9), 0.8, 1.2],
  ['small maps', 10_000, 'frozen', (id) => new Map([['a', id]]), 0.8, 1.2],
  ['maps', 200, 'frozen', () => new Map(numbers(700, 0).map((id) => [id, id])), 0.75, 1.25],
  ['sets', 200, 'frozen', () => new Set(numbers(700, 0)), 0.75, 1.25],
  ['bigints', 10_000, 'frozen', (id) => [BigInt(id) * 3n, (BigInt(id) + 1n) << 300n], 0.8, 1.2],
  ['buffers', 2000, 'frozen', (id) => Buffer.alloc(1000, id), 0.8, 1.2],
  ['typed arrays', 2000, 'clone', () => new Float64Array(100), 0.8, 1.2],
  [
    'dictionaries',
    100,
    'frozen',
    (id) => Object.fromEntries(numbers(1500, 0).map((n) => [`${id}/${n}`, n])),
    0.75,
    1.4,
  ],
];

test.each(cases)('%s', (name, count, sharing, make, least, most) => {
  const keep: unknown[] = Array.from({ length: count });
  let counted = 0;
  const fill = (): void => {
    counted = 0;
    for (let number = 0; number < count; number++) {
      const sealed = seal(make(number), sharing);
      if (isUnstorable(sealed)) throw new Error(sealed.problem);
      keep[number] = sealed.value;
      counted += sealed.bytes;
    }
  };
  // Once for the compiler, whose work is on the heap as well.
  fill();
  keep.fill(undefined);
  const before = heapBytes();
  fill();
  const real = heapBytes() - before;
  console.log(`${name}: ${(real / count).toFixed(0)} bytes, counted ${(counted / real).toFixed(2)} of it`);
  expect(counted / real).toBeGreaterThan(least);
  expect(counted / real).toBeLessThan(most);
  expect(keep).toHaveLength(count);
});
