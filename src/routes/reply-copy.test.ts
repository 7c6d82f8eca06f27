import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HitReply } from '../core/store.ts';
import { copyOfHit, hitInCopy } from './reply-copy.ts';

const hit = fc.record({
  value: fc.uint8Array({ maxLength: 50 }),
  cas: fc.string({ maxLength: 40 }),
  freshFor: fc.double({ noNaN: true }),
  expiresIn: fc.double({ noNaN: true }),
});

test('a copy gives back what it was made of, wherever its bytes lie', () => {
  fc.assert(
    fc.property(hit, fc.nat(9), (given, offset) => {
      const bytes = copyOfHit({
        kind: 'hit',
        flags: 0,
        marked: false,
        claim: 'none',
        ...given,
      } satisfies HitReply);
      const larger = new Uint8Array(bytes.length + offset);
      larger.set(bytes, offset);
      const { value, ...rest } = hitInCopy(larger.subarray(offset))!;
      expect(Uint8Array.from(value)).toEqual(given.value);
      expect(rest).toEqual({ cas: given.cas, freshFor: given.freshFor, expiresIn: given.expiresIn });
    }),
  );
});

test('what is no copy, or was cut off, is none', () => {
  const bytes = copyOfHit({
    kind: 'hit',
    value: new Uint8Array(3),
    flags: 0,
    cas: '77',
    freshFor: 1,
    expiresIn: 2,
    marked: false,
    claim: 'none',
  });
  for (const length of [0, 1, 18, 20]) expect(hitInCopy(bytes.subarray(0, length))).toBeUndefined();
  expect(hitInCopy(Buffer.from('a value of somebody else'))).toBeUndefined();
});
