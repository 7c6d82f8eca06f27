import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { sampleHash, keyHash } from './key-hash.ts';
import type { KeyHash } from './key-hash.ts';
import { SegmentedMap } from './segmented-map.ts';

interface Box {
  readonly content: number;
}

const keys: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.nat(400),
  fc.nat(400).map((number) => `key:${number}`),
  fc.nat(50).map((number) => number + 0.5),
  fc.nat(50).map((number) => BigInt(number) << 70n),
  fc.nat(50).map(BigInt),
  fc.boolean(),
);

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('put' as const), key: keys }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('delete' as const), key: keys }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('get' as const), key: keys }) },
  ),
  { minLength: 200, maxLength: 1500, size: 'max' },
);

/** Hashes that tell less and less apart, so that segments split badly, are nested, or grow beyond the limit. */
const hashes: readonly [string, KeyHash][] = [
  ['the sample', sampleHash],
  ['thorough', keyHash],
  ['three values', (key, seed) => sampleHash(key, seed) % 3],
  ['constant', () => 7],
];

describe.each(hashes)('with the hash: %s', (_, hash) => {
  test('behaves like one Map', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 4, max: 64 }), fc.integer(), (script, limit, seed) => {
        const model = new Map<KeyPart, Box>();
        const map = new SegmentedMap<Box>(seed, limit, hash);
        let content = 0;
        for (const { act, key } of script) {
          if (act === 'put') {
            if (!model.has(key)) {
              const value = { content: content++ };
              map.add(key, value);
              model.set(key, value);
            }
          } else if (act === 'delete') {
            expect(map.delete(key)).toBe(model.delete(key));
          }
          expect(map.get(key)).toBe(model.get(key));
          expect(map.size).toBe(model.size);
        }
        for (const [key, value] of model) expect(map.get(key)).toBe(value);
        const entries = map.maps().flatMap((each) => [...each]);
        expect(entries.length).toBe(model.size);
        for (const [key, value] of entries) expect(model.get(key)).toBe(value);
        for (const key of model.keys()) expect(map.delete(key)).toBe(true);
        expect(map.size).toBe(0);
        expect(map.maps()).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });
});

test('no segment exceeds its limit, also when the cheap hash tells little apart', () => {
  for (const hash of [sampleHash, ((key, seed) => sampleHash(key, seed) & 1) satisfies KeyHash]) {
    const map = new SegmentedMap<Box>(1, 1024, hash);
    for (let index = 0; index < 50_000; index++) {
      map.add(`product:${index}`, { content: index });
      if (index % 97 === 0)
        expect(Math.max(...map.maps().map((each) => each.size))).toBeLessThanOrEqual(1024);
    }
    expect(map.maps().length).toBeLessThan(250);
  }
});

test('computes no hash while there is one segment', () => {
  let hashed = 0;
  const map = new SegmentedMap<Box>(1, 16_384, (key, seed) => {
    hashed++;
    return sampleHash(key, seed);
  });
  for (let index = 0; index < 14_000; index++) map.add(index, { content: index });
  for (let index = 0; index < 14_000; index++) map.get(index);
  for (let index = 0; index < 10_000; index++) map.delete(index);
  expect(hashed).toBe(0);
  expect(map.maps()).toHaveLength(1);
});
