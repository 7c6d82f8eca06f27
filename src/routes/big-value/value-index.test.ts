import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentOf, indexOf, isMarked, kept } from './value-index.ts';

const list = { token: 'abcd_-09', count: 3, length: 2_000_000_000, checksum: 0xffff_fffe };
const looksAlike = indexOf(list);

test('a small value comes back as it was, also one that looks like an index', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const value = fc.oneof(
    bytes,
    fc.nat(40).map((length) => looksAlike.subarray(0, length)),
    bytes.map((rest) => Uint8Array.from([...looksAlike.subarray(0, 13), ...rest])),
  );
  fc.assert(
    fc.property(value, (given) => {
      const content = contentOf(kept(given));
      expect(content.kind).toBe('value');
      expect(Uint8Array.from((content as { value: Uint8Array }).value)).toEqual(Uint8Array.from(given));
      if (!isMarked(given)) expect(kept(given)).toBe(given);
    }),
  );
});

test('an index tells its chunks, and what was appended, wherever its bytes lie', () => {
  fc.assert(
    fc.property(fc.nat(9), fc.uint8Array({ maxLength: 9 }), (offset, tail) => {
      const bytes = Uint8Array.from([...Array.from({ length: offset }, () => 7), ...looksAlike, ...tail]);
      const content = contentOf(bytes.subarray(offset));
      expect(content).toMatchObject({ kind: 'chunks', chunks: list });
      expect(Uint8Array.from((content as { tail: Uint8Array }).tail)).toEqual(tail);
    }),
  );
});

test('an index that was cut off, or is of a later kind, is damaged', () => {
  for (let length = 13; length < looksAlike.length; length++)
    expect(contentOf(looksAlike.subarray(0, length))).toEqual({ kind: 'damaged' });
  const later = Uint8Array.from(looksAlike);
  later[12] = 2;
  expect(contentOf(later)).toEqual({ kind: 'damaged' });
  for (let at = 13; at < looksAlike.length; at++) {
    const flipped = Uint8Array.from(looksAlike);
    flipped[at]! ^= 4;
    expect(contentOf(flipped)).toEqual({ kind: 'damaged' });
  }
});
