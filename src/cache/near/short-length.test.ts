import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largest24, packed16, packed24, roundedUp16, unpacked16, unpacked24 } from './short-length.ts';

const kinds = [
  { name: '16 bits', pack: packed16, unpack: unpacked16, exact: 4096, error: 1 / 2048, codes: 0xffff },
  { name: '24 bits', pack: packed24, unpack: unpacked24, exact: 2 ** 20, error: 2 ** -19, codes: 0xff_ffff },
] as const;

/** What takes most of a double's digits, and all sizes of numbers. */
const lengths = fc.oneof(
  fc.nat(5000),
  fc.nat(2 ** 21),
  fc.maxSafeNat(),
  fc.double({ min: 0, max: 1e15, noNaN: true }),
  fc.integer({ min: 0, max: 52 }).map((power) => 2 ** power),
  fc.integer({ min: 1, max: 52 }).map((power) => 2 ** power - 1),
);

describe.each(kinds)('$name', ({ pack, unpack, exact, error, codes }) => {
  test('are exact while they are short, and then too short by little, never too long', () => {
    fc.assert(
      fc.property(lengths, (length) => {
        const code = pack(length);
        expect(Number.isInteger(code) && code >= 0 && code <= codes).toBe(true);
        const kept = unpack(code);
        if (length < exact) expect(kept).toBe(Math.floor(length));
        else if (kept !== Number.POSITIVE_INFINITY) {
          expect(kept).toBeLessThanOrEqual(length);
          expect(kept).toBeGreaterThan(length * (1 - error));
        }
        const longest = (exact / 2) * 2 ** 31;
        if (length < longest * (1 - error)) expect(kept).toBeLessThan(longest);
        if (length >= longest) expect(kept).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 2000 },
    );
  });

  test('each code stands for a length of its own, a longer one the higher it is, which it keeps', () => {
    let before = -1;
    // All of the short ones; of the long ones, those about each power of two, and some between.
    for (
      let code = 0;
      code < codes;
      code += code < 70_000 || code % exact < 4 || code % exact > exact - 4 ? 1 : 997
    ) {
      const length = unpack(code);
      if (!(length > before) || pack(length) !== code) expect([code, pack(length), length]).toEqual([]);
      before = length;
    }
    expect(unpack(codes)).toBe(Number.POSITIVE_INFINITY);
    expect(pack(Number.POSITIVE_INFINITY)).toBe(codes);
  });

  test('what is not a length is none', () => {
    for (const length of [0, -0, -1, -1e20, Number.NEGATIVE_INFINITY]) expect(pack(length)).toBe(0);
  });
});

test('rounded up, it is one that is kept exactly, 0.05 % more at most', () => {
  fc.assert(
    fc.property(lengths, (length) => {
      const rounded = roundedUp16(length);
      expect(rounded).toBeGreaterThanOrEqual(length);
      if (length < 4e12) {
        expect(rounded).toBeLessThanOrEqual(length < 4096 ? Math.ceil(length) : length * (1 + 1 / 2048));
        expect(unpacked16(packed16(rounded))).toBe(rounded);
      }
    }),
    { numRuns: 2000 },
  );
});

test('the largest number of a code is the last before the next code', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(2 ** 22), fc.integer({ min: 0, max: 1e12 })), (length) => {
      const code = packed24(length);
      const largest = largest24(code);
      expect(largest).toBeGreaterThanOrEqual(length);
      expect([packed24(largest), packed24(largest + 1)]).toEqual([code, code + 1]);
    }),
  );
});
