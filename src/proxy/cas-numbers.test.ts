import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { CasNumbers, mostRemembered } from './cas-numbers.ts';

const largest = 2n ** 64n - 1n;
const numbers = (seed = 1): CasNumbers => new CasNumbers(fakeRuntime({ seed }));

const single = fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }).map(String);
const branded = fc
  .tuple(fc.array(fc.nat(63), { minLength: 1, maxLength: 3 }), fc.bigInt({ min: 0n, max: 2n ** 44n - 1n }))
  .map(([parts, number]) => [...parts, number].join(':'));
const strange = fc.oneof(
  fc.stringMatching(/^[a-z]{1,20}$/),
  fc.constantFrom(
    '99:1',
    '1:2:3:4:5',
    '01:7',
    '1:07',
    '007',
    '1:99999999999999',
    '18446744073709551615',
    'a:1',
  ),
);

describe('CAS numbers', () => {
  test('every CAS comes back by its number, which has 64 bits; different ones have different numbers', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(single, branded, strange), { minLength: 1, maxLength: 50 }),
        (all) => {
          const table = numbers();
          const told = all.map((cas) => table.number('key', cas));
          expect(new Set(told).size).toBe(all.length);
          for (const number of told) {
            expect(number).toMatch(/^[1-9]\d*$|^0$/);
            expect(BigInt(number)).toBeLessThanOrEqual(largest);
          }
          expect(told.map((number) => table.cas('key', number))).toEqual(all);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('what a single server gives is its own number; what routes give needs no memory', () => {
    expect(numbers().number('k', '77')).toBe('77');
    expect(numbers().cas('k', '77')).toBe('77');
    const number = numbers(1).number('k', '2:0:77');
    expect(numbers(2).cas('another', number)).toBe('2:0:77');
  });

  test('without a CAS it is 0, which no entry has', () => {
    expect(numbers().number('k', '')).toBe('0');
    expect(numbers().cas('k', '0')).toBe('0');
  });

  test('a number from another process, of another key, or one that is forgotten, is that of no entry', () => {
    const table = numbers();
    const first = table.number('k', 'first');
    expect(table.cas('k', first)).toBe('first');
    expect(table.cas('other', first)).toBe('0');
    expect(numbers(2).cas('k', first)).toBe('0');
    for (let index = 0; index < mostRemembered; index++) table.number('k', `next ${index}`);
    expect(table.cas('k', first)).toBe('0');
    expect(table.number('k', 'first')).not.toBe(first);
  });

  test('any number of a client is some CAS text, and makes no trouble', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: largest }), (number) => {
        expect(numbers().cas('k', String(number))).toMatch(/^[\d:]+$/);
      }),
    );
  });
});
