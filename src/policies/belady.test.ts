import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlotCache } from '../../test/policies/slot-cache.ts';
import { BeladyPolicy, never, nextRequests } from './belady.ts';
import { makePolicy, policyNames } from './policy-by-name.ts';

const traces = fc.array(fc.nat(30), { maxLength: 300, size: 'max' });

test('nextRequests finds the next request for the same key', () => {
  fc.assert(
    fc.property(traces, (keys) => {
      const next = nextRequests(Int32Array.from(keys), 31);
      const expected = keys.map((key, at) => {
        const found = keys.indexOf(key, at + 1);
        return found < 0 ? never : found;
      });
      expect([...next]).toEqual(expected);
    }),
  );
});

/** Hits of always evicting the key whose next request is the farthest. */
function naiveHits(keys: readonly number[], capacity: number): number {
  const inside = new Set<number>();
  let hits = 0;
  keys.forEach((key, at) => {
    if (inside.has(key)) {
      hits++;
      return;
    }
    if (inside.size === capacity) {
      const rest = keys.slice(at + 1);
      const nextOf = (each: number): number => (rest.includes(each) ? rest.indexOf(each) : Infinity);
      inside.delete([...inside].reduce((a, b) => (nextOf(b) > nextOf(a) ? b : a)));
    }
    inside.add(key);
  });
  return hits;
}

test('has as many hits as looking into the future each time, and no policy has more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), traces, (capacity, keys) => {
      const next = nextRequests(Int32Array.from(keys), 31);
      const hitsOf = (cache: SlotCache): number => keys.filter((key) => cache.request(key)).length;
      const best = hitsOf(
        new SlotCache((options) => new BeladyPolicy({ ...options, nextRequests: next }), { capacity }),
      );
      expect(best).toBe(naiveHits(keys, capacity));
      for (const name of policyNames)
        expect(
          hitsOf(new SlotCache((options) => makePolicy(name, options), { capacity })),
        ).toBeLessThanOrEqual(best);
    }),
  );
});

test('with deletions between, too, what goes is what will not be asked for the longest', () => {
  const deletions = fc.array(fc.nat(30), { maxLength: 300, size: 'max' });
  fc.assert(
    fc.property(traces, deletions, (keys, deleted) => {
      const next = nextRequests(Int32Array.from(keys), 31);
      const cache = new SlotCache((options) => new BeladyPolicy({ ...options, nextRequests: next }), {
        capacity: 10,
      });
      keys.forEach((key, at) => {
        const before = cache.keys();
        const evicted = cache.evicted.length;
        cache.request(key);
        const nextOf = (each: number): number => {
          const found = keys.indexOf(each, at + 1);
          return found < 0 ? never : found;
        };
        for (const gone of cache.evicted.slice(evicted))
          expect(nextOf(gone)).toBe(Math.max(...before.map(nextOf)));
        if (at % 2 === 0) cache.delete(deleted[at] ?? -1);
      });
    }),
  );
});
