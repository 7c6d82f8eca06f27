import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlotCache } from '../../test/policies/slot-cache.ts';
import { RandomPolicy } from './random.ts';

test('each entry has about the same chance to go, whichever came first or left unasked', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rounds = 4000;
      const counts = new Map<number, number>();
      const policy = new RandomPolicy({ capacity: 10, seed, hashOf: (slot) => slot });
      for (let slot = 0; slot < 20; slot++) policy.insert(slot);
      for (let slot = 0; slot < 20; slot += 2) policy.remove(slot);
      for (let round = 0; round < rounds; round++) {
        const victim = policy.victim();
        counts.set(victim, (counts.get(victim) ?? 0) + 1);
        policy.remove(victim);
        policy.insert(victim);
      }
      expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
      // 400 each, with a standard deviation of 19.
      for (const count of counts.values()) expect(Math.abs(count - rounds / 10)).toBeLessThan(7 * 19);
    }),
  );
});

test('different seeds, different victims', () => {
  const victims = [1, 2, 3].map((seed) => {
    const cache = new SlotCache((options) => new RandomPolicy(options), { capacity: 50, seed });
    for (let key = 0; key < 200; key++) cache.request(key);
    return cache.evicted;
  });
  expect(victims[0]).not.toEqual(victims[1]);
  expect(victims[1]).not.toEqual(victims[2]);
});
