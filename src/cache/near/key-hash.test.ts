import { describe, expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { sampleHash, keyHash } from './key-hash.ts';

const count = 64_000;
const families: readonly [string, (index: number) => KeyPart][] = [
  ['small integers', (index) => index],
  ['integers with a stride', (index) => index * 1024],
  ['large integers', (index) => 2 ** 40 + index * 4096],
  ['negative integers', (index) => -index],
  ['fractions', (index) => index + 0.25],
  ['bigints', (index) => BigInt(index) << 64n],
  ['texts that end in a number', (index) => `user:${index}`],
  ['hexadecimal ids', (index) => `session/${(index * 2654435761).toString(16).padStart(16, '0')}`],
  ['short texts', (index) => index.toString(36)],
];

describe.each(families)('%s', (_, key) => {
  test.each([
    ['sample', sampleHash],
    ['thorough', keyHash],
  ] as const)('spread evenly over segments: %s', (__, hash) => {
    for (const seed of [0, 1, -559_038_737]) {
      for (const shift of [0, 6, 12]) {
        const buckets = new Int32Array(64);
        for (let index = 0; index < count; index++) buckets[(hash(key(index), seed) >>> shift) & 63]!++;
        expect(Math.max(...buckets)).toBeLessThan((count / 64) * 1.25);
        expect(Math.min(...buckets)).toBeGreaterThan((count / 64) * 0.75);
      }
    }
  });
});

test('the thorough hash sees every character; another seed gives other collisions', () => {
  const texts = Array.from({ length: 4000 }, (_, index) => `prefix ${index} ${'x'.repeat(40)}`);
  const distinct = (hash: typeof sampleHash, seed: number): number =>
    new Set(texts.map((text) => hash(text, seed))).size;
  expect(distinct(keyHash, 5)).toBeGreaterThan(3990);
  expect(distinct(sampleHash, 5)).toBeLessThan(100);

  const low = (text: string, seed: number): number => keyHash(text, seed) & 0xfff;
  const together = texts.filter((text) => low(text, 5) < 64);
  expect(together.length).toBeGreaterThan(20);
  expect(new Set(together.map((text) => low(text, 6))).size).toBeGreaterThan(together.length * 0.8);
});

/** Many keys of two words whose differences lie in the upper bits, where a multiplication only shifts them about. */
function twoWords<K>(bits: number, key: (lower: number, upper: number) => K): K[] {
  const keys: K[] = [];
  for (let lower = 0; lower < 1 << bits; lower++) {
    for (let upper = 0; upper < 1 << bits; upper++)
      keys.push(key((lower << (32 - bits)) >>> 0, (upper << (32 - bits)) >>> 0));
  }
  return keys;
}

test('no keys collide whatever the seed, also where the words of a number are chosen for it', () => {
  const view = new DataView(new ArrayBuffer(8));
  const fractions = twoWords(7, (lower, upper) => {
    view.setUint32(0, upper | 0x2345);
    view.setUint32(4, lower | 12_345);
    return view.getFloat64(0);
  });
  const bigints = [0, 15].flatMap((fold) =>
    twoWords(
      7,
      (lower, upper) =>
        (1n << 64n) |
        (BigInt((upper ^ (fold > 0 ? upper >>> fold : 0)) >>> 0) << 32n) |
        BigInt((lower | 12_345) >>> 0),
    ),
  );
  for (const keys of [fractions, bigints]) {
    const different = new Set<KeyPart>(keys);
    for (const hash of [sampleHash, keyHash]) {
      for (const seed of [0, 1, -559_038_737])
        expect(new Set([...different].map((key) => hash(key, seed))).size).toBeGreaterThan(
          different.size - 20,
        );
    }
  }
});
