import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyPart } from '../core/key.ts';
import { encodedKey, nearKey } from './cache-key.ts';
import { type CacheKey, type CacheKeyPart, tenant, TenantPart } from './tenant.ts';

const part = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', '\0', "\0'a", "\0'a,'b", ',', "'", '@1', "@'a", '1', 'true'),
  fc.integer({ min: -2, max: 2 }),
  fc.bigInt({ min: -2n, max: 2n }),
  fc.boolean(),
) as fc.Arbitrary<KeyPart>;
const owner = fc.constantFrom<CacheKeyPart>(tenant(1), tenant('1'), tenant(1n), tenant('a'), tenant("a,'b"));
const key = fc.oneof(
  fc.array(part, { minLength: 1, maxLength: 3 }),
  fc.tuple(owner, fc.array(part, { maxLength: 2 })).map(([first, rest]) => [first, ...rest]),
) as unknown as fc.Arbitrary<CacheKey>;

function plain(each: CacheKeyPart): string {
  return each instanceof TenantPart
    ? `tenant ${typeof each.tenant} ${JSON.stringify(String(each.tenant))}`
    : `${typeof each} ${JSON.stringify(String(each))}`;
}

test('both forms of a key are injective: equal for equal tuples only', () => {
  fc.assert(
    fc.property(key, key, (one, other) => {
      const equal =
        one.length === other.length && one.every((each, index) => plain(each) === plain(other[index]!));
      // Nothing but an empty text names nothing: neither form takes it where it must be encoded.
      const rest = [one, other].map((each) => each.filter((part) => !(part instanceof TenantPart)));
      fc.pre(rest.every((parts) => parts.length !== 1 || parts[0] !== ''));
      expect(nearKey(one) === nearKey(other)).toBe(equal);
      expect(encodedKey(one) === encodedKey(other)).toBe(equal);
    }),
    { numRuns: 2000 },
  );
});

test('plain single parts stay what they are: a hit builds no string', () => {
  for (const id of ['a', 'x'.repeat(500), 1, 1.5, -1, 5n, true]) expect(nearKey([id])).toBe(id);
});

test('a text that looks like an encoded tuple is not one', () => {
  const text = String(nearKey(['a', 'b']));
  expect(nearKey([text])).not.toBe(text);
});
