import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CisternError } from './error.ts';
import { encodeKey, encodePart, type KeyPart, longestEncodedKey, storeKey } from './key.ts';
import { longestKey } from './store.ts';

/** Texts with everything that breaks protocols and encoders: lone surrogates, control characters, line ends, separators. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\ud800',
      '\udc00',
      '\0',
      '\r',
      '\n',
      ' ',
      ',',
      '%',
      "'",
      '\u007f',
      'é',
      '€',
      'a',
      '0',
      'n',
    ),
  }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);
const part: fc.Arbitrary<KeyPart> = fc.oneof(
  text,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom('1', 1, 1n, true, 'true', '1n', -0, 0, '0', '', '-', 'false'),
);
const tuple = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .filter((parts) => parts.length > 1 || parts[0] !== '');

const samePart = (left: KeyPart, right: KeyPart): boolean => left === right;

function same(left: readonly KeyPart[], right: readonly KeyPart[]): boolean {
  return left.length === right.length && left.every((each, index) => samePart(each, right[index]!));
}

describe('encodeKey', () => {
  test('is injective: two keys have one encoding if and only if their parts are the same', () => {
    const seen = new Map<string, readonly KeyPart[]>();
    fc.assert(
      fc.property(tuple, (parts) => {
        const encoded = encodeKey(parts);
        const other = seen.get(encoded);
        if (other !== undefined) expect(same(parts, other)).toBe(true);
        seen.set(encoded, parts);
        expect(encodeKey([...parts])).toBe(encoded);
      }),
      { numRuns: 20_000 },
    );
    expect(seen.size).toBeGreaterThan(10_000);
  });

  test('is injective on pairs that differ a little', () => {
    fc.assert(
      fc.property(tuple, tuple, fc.nat(), (left, right, at) => {
        const mixed = [...left];
        mixed[at % left.length] = right[0]!;
        fc.pre(mixed.length > 1 || mixed[0] !== '');
        expect(encodeKey(mixed) === encodeKey(left)).toBe(same(mixed, left));
      }),
      { numRuns: 5000 },
    );
  });

  test('moves nothing between the parts', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        fc.pre(left + right !== '');
        expect(encodeKey([left, right])).not.toBe(encodeKey([left + right]));
        expect(encodeKey([`${left},`, right])).not.toBe(encodeKey([left, `,${right}`]));
      }),
    );
  });

  test('is printable ASCII', () => {
    fc.assert(
      fc.property(tuple, (parts) => {
        expect(encodeKey(parts)).toMatch(/^[!-~]+$/);
      }),
    );
  });

  test('looks like the literals', () => {
    expect(encodeKey([1])).toBe('1');
    expect(encodeKey(['1'])).toBe("'1");
    expect(encodeKey([1n])).toBe('1n');
    expect(encodeKey([true])).toBe('true');
    expect(encodeKey([-0])).toBe('0');
    expect(encodeKey(['a b', '50%,€\n', '\ud800'])).toBe("'a%20b,'50%25%2C%u20AC%0A,'%uD800");
  });

  test('refuses what is no key', () => {
    for (const bad of [
      [],
      [''],
      [Number.NaN],
      [Infinity],
      [-Infinity],
      [null],
      [undefined],
      [{}],
      [[]],
      [Symbol('x')],
      [() => 1],
      [1, undefined],
      ['x'.repeat(longestEncodedKey)],
      null,
      undefined,
      'text',
      { length: 1, 0: 1 },
    ]) {
      const encode = (): string => encodeKey(bad as readonly KeyPart[]);
      expect(encode).toThrow(CisternError);
      expect(encode).toThrow(expect.objectContaining({ code: 'CISTERN_KEY' }));
    }
    expect(encodeKey(['', ''])).toBe("','");
    expect(encodeKey(['x'.repeat(longestEncodedKey - 1)])).toHaveLength(longestEncodedKey);
  });

  test('a part alone is encoded as it is in a key', () => {
    fc.assert(
      fc.property(tuple, (parts) => {
        expect(parts.map(encodePart).join(',')).toBe(encodeKey(parts));
      }),
    );
  });
});

describe('storeKey', () => {
  const prefix = 'shop:user:3:a1b2c3d4:';

  test('puts the prefix in front of a short key', () => {
    expect(storeKey(prefix, '42')).toEqual({ key: `${prefix}42`, hashed: undefined });
    const longest = 'x'.repeat(longestKey - prefix.length);
    expect(storeKey(prefix, longest)).toEqual({ key: prefix + longest, hashed: undefined });
  });

  test('hashes a longer key to 128 bits, keeps the prefix, and hands the key on for the comparison', () => {
    const long = `'${'x'.repeat(longestKey)}`;
    const { key, hashed } = storeKey(prefix, long);
    expect(hashed).toBe(long);
    expect(key.startsWith(`${prefix}#`)).toBe(true);
    expect(key).toHaveLength(prefix.length + 1 + 22);
    expect(storeKey(prefix, `${long}y`).key).not.toBe(key);
    expect(storeKey(prefix, long).key).toBe(key);
  });

  test('a hash is never the key of a short tuple, and all results are keys of the contract', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(part, fc.string({ minLength: 100, maxLength: 300 })), { minLength: 1 }),
        (parts) => {
          fc.pre(parts.length > 1 || parts[0] !== '');
          const { key, hashed } = storeKey(prefix, encodeKey(parts));
          expect(key.length).toBeLessThanOrEqual(longestKey);
          expect(key).toMatch(/^[!-~]+$/);
          expect(key[prefix.length] === '#').toBe(hashed !== undefined);
        },
      ),
    );
  });
});
