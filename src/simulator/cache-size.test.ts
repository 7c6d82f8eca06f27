import { expect, test } from 'vitest';
import { amountOf, parseCacheSize } from './cache-size.ts';

test.each([
  ['0.1%', 40_240, 40],
  ['1%', 10, 1],
  ['0.1%', 22_605, 23],
  ['100%', 7, 7],
  ['5000', 10, 5000],
  ['64mb', 10, 64 * 1024 ** 2],
  ['1.5KB', 10, 1536],
  ['10b', 10, 10],
])('%s of %i keys is %i', (text, keys, amount) => {
  expect(amountOf(parseCacheSize('sizes', text), keys)).toBe(amount);
});

test.each(['', '0', '0%', '101%', '-1', '5x', '1e3', '3000000000', '0b', '%', 'mb'])(
  '%j is refused',
  (text) => {
    expect(() => parseCacheSize('sizes', text)).toThrow("Option 'sizes'");
  },
);
