import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GhostQueue } from './ghost-queue.ts';

type Step = readonly ['add', number, number] | readonly ['take', number] | readonly ['drop'];

test('is a queue of hashes and weights that gives any of them back', () => {
  const hash = fc.oneof(fc.integer({ min: -5, max: 300 }), fc.integer());
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant('add' as const), hash, fc.integer({ min: 1, max: 1e9 })) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('take' as const), hash) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('drop' as const)) },
  );
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 1000, size: 'max' }), (weighted, steps) => {
      const ghosts = new GhostQueue(weighted);
      /** The oldest first. */
      const model: { readonly hash: number; readonly weight: number }[] = [];
      for (const [what, asked = 0, given = 1] of steps) {
        const weight = weighted ? given : 1;
        if (what === 'add') {
          if (model.some((ghost) => ghost.hash === asked)) continue;
          ghosts.add(asked, weight);
          model.push({ hash: asked, weight });
        } else if (what === 'take') {
          const index = model.findIndex((ghost) => ghost.hash === asked);
          const [taken] = index < 0 ? [] : model.splice(index, 1);
          expect(ghosts.take(asked)).toBe(taken?.weight ?? 0);
        } else if (model.length > 0) {
          ghosts.dropOldest();
          model.shift();
        }
        expect(ghosts.size).toBe(model.length);
        expect(ghosts.weight).toBe(model.reduce((sum, ghost) => sum + ghost.weight, 0));
      }
    }),
  );
});

test('keeps several with the same hash apart, and gives them back in any order', () => {
  const ghosts = new GhostQueue(true);
  for (let hash = 0; hash < 500; hash++) for (const weight of [10, 20, 30]) ghosts.add(hash, weight);
  for (let hash = 0; hash < 500; hash++) {
    const weights = [ghosts.take(hash), ghosts.take(hash), ghosts.take(hash), ghosts.take(hash)];
    expect(weights.toSorted((a, b) => a - b)).toEqual([0, 10, 20, 30]);
  }
  expect(ghosts.weight).toBe(0);
});

test('finds each of a hundred thousand, whose hashes differ in a few bits only', () => {
  const count = 100_000;
  for (const shift of [0, 8, 15]) {
    const ghosts = new GhostQueue(false);
    for (let at = 0; at < count; at++) ghosts.add(at << shift, 1);
    expect(ghosts.take(-1)).toBe(0);
    for (let at = 0; at < count; at += 2) expect(ghosts.take(at << shift)).toBe(1);
    for (let at = 0; at < count; at += 2) expect(ghosts.take(at << shift)).toBe(0);
    for (let at = 1; at < count; at += 2) ghosts.dropOldest();
    expect(ghosts.size).toBe(0);
  }
});
