import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyTable, TextHash } from './key-table.ts';

test('numbers keys as a Map would', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.nat(500).map(String)), { maxLength: 3000, size: 'max' }),
      (keys) => {
        const table = new KeyTable();
        const hash = new TextHash();
        const known = new Map<string, number>();
        for (const key of keys) {
          if (!known.has(key)) known.set(key, known.size);
          hash.read(key);
          expect(table.numberOf(hash.first, hash.second)).toBe(known.get(key));
        }
        expect(table.size).toBe(known.size);
      },
    ),
    { numRuns: 30 },
  );
});

test.each([
  ['counted', (index: number) => String(index)],
  ['counted behind a prefix', (index: number) => `user:${index}:profile`],
  ['of two characters that differ', (index: number) => String.fromCharCode(index & 255, index >>> 8)],
  [
    'of one character repeated',
    (index: number) => 'a'.repeat(index % 100) + String.fromCharCode(Math.floor(index / 100)),
  ],
])('half a million keys, %s: no two are taken for one, and the halves are even', (_name, keyAt) => {
  const table = new KeyTable();
  const hash = new TextHash();
  const count = 500_000;
  const groups = { first: new Int32Array(64), second: new Int32Array(64) };
  const distinct = new Set<string>();
  for (let index = 0; index < count; index++) {
    const key = keyAt(index);
    distinct.add(key);
    hash.read(key);
    table.numberOf(hash.first, hash.second);
    groups.first[hash.first >>> 26]!++;
    groups.second[hash.second >>> 26]!++;
  }
  expect(table.size).toBe(distinct.size);
  for (const halves of [groups.first, groups.second])
    for (const size of halves) expect(Math.abs(size / (count / 64) - 1)).toBeLessThan(0.06);
});
