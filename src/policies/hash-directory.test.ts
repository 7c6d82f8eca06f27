import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HashDirectory } from './hash-directory.ts';

const families: readonly [string, (key: number) => number][] = [
  ['any', (key) => Math.imul(key + 1, 0x9e3779b1) ^ (key << 7)],
  ['small numbers', (key) => key],
  ['small and negative ones', (key) => (key % 2 === 0 ? key : -key)],
  ['the lower 16 bits equal', (key) => key << 16],
  ['the upper 16 bits equal, as in a sample', (key) => key & 0xffff],
];

describe.each(families)('hashes: %s', (_, hashOf) => {
  test('behaves like a Map, also when it is full', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.tuple(fc.constant('set' as const), fc.nat(60)) },
        { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), fc.nat(60)) },
      ),
      { maxLength: 400, size: 'max' },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), steps, (most, script) => {
        const directory = new HashDirectory(most);
        const model = new Map<number, number>();
        for (const [number, [act, key]] of script.entries()) {
          const hash = hashOf(key);
          if (act === 'delete') {
            directory.delete(hash);
            model.delete(hash);
          } else if (model.has(hash) || model.size < most) {
            directory.set(hash, number);
            model.set(hash, number);
          }
          for (let each = 0; each <= 60; each++) {
            const found = directory.get(hashOf(each));
            if (found !== (model.get(hashOf(each)) ?? -1)) expect(found).toBe(model.get(hashOf(each)) ?? -1);
          }
        }
        directory.clear();
        for (let each = 0; each <= 60; each++) expect(directory.get(hashOf(each))).toBe(-1);
      }),
    );
  });
});
