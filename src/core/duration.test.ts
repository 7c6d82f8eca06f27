import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Duration, milliseconds } from './duration.ts';

describe('milliseconds', () => {
  test.each<[Duration, number]>([
    [1, 1],
    [250.5, 250.5],
    ['50ms', 50],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['365d', 31_536_000_000],
  ])('%s is %d ms', (value, expected) => {
    expect(milliseconds('ttl', value)).toBe(expected);
  });

  test('a number with a unit is the number times the unit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 365 }),
        fc.constantFrom('ms', 's', 'm', 'h', 'd'),
        (amount, unit) => {
          const one = milliseconds('ttl', `1${unit}` as Duration);
          expect(milliseconds('ttl', `${amount}${unit}` as Duration)).toBe(amount * one);
        },
      ),
    );
  });

  test.each([
    [0],
    [-1],
    [Number.NaN],
    [Infinity],
    [0.5],
    ['0s'],
    ['366d'],
    [''],
    ['5'],
    ['5 s'],
    ['5sec'],
    ['-5s'],
    ['1e3s'],
    ['1h30m'],
    ['5S'],
    ['.5s'],
    ['NaNs'],
    [undefined],
    [null],
    [true],
    [5n],
    [{}],
    [[5]],
  ])('%s is refused, naming option, value and range', (value) => {
    expect(() => milliseconds('ttl', value as Duration)).toThrow(
      expect.objectContaining({
        code: 'CISTERN_OPTION',
        message: expect.stringMatching(/^Option 'ttl' is .*'10s'.*from 1 to 31536000000 ms/s) as string,
      }),
    );
  });

  test('the range can be widened and narrowed, both ends belong to it', () => {
    expect(milliseconds('ttl', 0, { least: 0 })).toBe(0);
    expect(milliseconds('ttl', '1s', { most: 1000 })).toBe(1000);
    expect(() => milliseconds('ttl', 1001, { most: 1000 })).toThrow('from 1 to 1000 ms');
    expect(() => milliseconds('ttl', 9, { least: 10 })).toThrow("Option 'ttl' is 9,");
  });
});
