import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longestKey } from '../core/store.ts';
import { keyName } from './key-name.ts';

const printable = (key: string): boolean => /^[!-~]*$/.test(key);
const nameOf = (key: string): string => keyName(key, printable(key));

test('ordinary keys are their own names', () => {
  for (const key of ['a', 'user:1', '~', '~b', '~c:x', 'x'.repeat(longestKey)]) expect(nameOf(key)).toBe(key);
});

test('all others are named by their bytes, and long ones by their hash', () => {
  expect(nameOf('caf\xe9')).toBe('~b:Y2Fm6Q');
  expect(nameOf('~b:x')).toBe('~b:fmI6eA');
  expect(nameOf('x'.repeat(161))).toMatch(/^~h:[\w-]{43}$/);
  expect(nameOf('\0'.repeat(186))).toMatch(/^~h:[\w-]{43}$/);
});

test('names keep the rules of the contract, and no two keys share one', () => {
  const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
  const key = fc.oneof(
    fc.array(byte, { minLength: 1, maxLength: 250 }).map((bytes) => bytes.join('')),
    fc.stringMatching(/^[!-~]{1,250}$/),
    fc.stringMatching(/^~[bh]:[\w-]{1,150}$/),
  );
  fc.assert(
    fc.property(fc.array(key, { minLength: 2, maxLength: 20 }), (keys) => {
      const all = [...keys, ...keys.map(nameOf)];
      const names = new Map(all.map((each) => [each, nameOf(each)]));
      for (const name of names.values()) expect(name).toMatch(/^[!-~]{1,160}$/);
      expect(new Set(names.values()).size).toBe(names.size);
    }),
    { numRuns: 500 },
  );
});
