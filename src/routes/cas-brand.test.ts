import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reply } from '../core/store.ts';
import { brandedCas, brandedReply, casOfPart, partOfCas } from './cas-brand.ts';

const plain = fc.stringMatching(/^[0-9a-f]{1,20}$/);
const part = fc.integer({ min: 0, max: 99 });
/** A CAS as a leaf gives it, or a route in a route in a route. */
const cas = fc.letrec<{ cas: string }>((tie) => ({
  cas: fc.oneof(
    { maxDepth: 3 },
    plain,
    fc.tuple(part, tie('cas')).map(([index, inner]) => brandedCas(index, inner)),
  ),
})).cas;

test('a CAS goes back to the part that gave it, as it was, through any number of routes', () => {
  fc.assert(
    fc.property(part, cas, (index, given) => {
      const branded = brandedCas(index, given);
      expect(partOfCas(branded)).toBe(index);
      expect(casOfPart(branded)).toBe(given);
    }),
  );
});

test('two states have two names, whichever parts they come from', () => {
  fc.assert(
    fc.property(part, cas, part, cas, (one, left, other, right) => {
      fc.pre(one !== other || left !== right);
      expect(brandedCas(one, left)).not.toBe(brandedCas(other, right));
    }),
  );
});

test('what is no CAS is no part’s, or is left to part 0', () => {
  for (const none of ['x:1', ':1', '-1:2', '1\r\nmd k:1', '12345:6']) expect(partOfCas(none)).toBe(-1);
  for (const none of ['', '0', 'x', '-1']) expect([partOfCas(none), casOfPart(none)]).toEqual([0, none]);
});

test('the usual reply of part 0 is handed on as it is; of the others only the CAS is changed', () => {
  const hit: Reply = {
    kind: 'hit',
    value: new Uint8Array(),
    flags: 3,
    cas: '7',
    freshFor: 1,
    expiresIn: 2,
    marked: true,
    claim: 'won',
  };
  expect(brandedReply(0, hit)).toBe(hit);
  expect(brandedReply(2, hit)).toEqual({ ...hit, cas: '2:7' });
  expect(brandedReply(1, { kind: 'miss', lease: 'lost', cas: '5' })).toEqual({
    kind: 'miss',
    lease: 'lost',
    cas: '1:5',
  });
  const unnamed: Reply = { kind: 'stored', cas: '' };
  expect(brandedReply(1, unnamed)).toBe(unnamed);
  expect(brandedReply(0, { kind: 'stored', cas: '1:5' })).toEqual({ kind: 'stored', cas: '0:1:5' });
});
