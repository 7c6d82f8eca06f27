import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../test/policies/slot-cache.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { GhostCounts, mostCounted } from './ghost-counts.ts';

/** Counts with room for so many entries. */
function countsFor(entries: number): GhostCounts {
  const counts = new GhostCounts();
  // One chunk more at most with each call.
  for (let call = 0; call < 40 || call < entries / 2048; call++) counts.reserve(entries);
  return counts;
}

test('the counts of some keys are what was last remembered, halved as often as all were since', () => {
  const key = fc.nat(49);
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.constant('remember' as const), key, fc.integer({ min: 1, max: 15 })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant('age' as const), key, fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('reserve' as const), fc.nat(9000), fc.constant(0)) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (script) => {
      const counts = countsFor(2000);
      const model = new Map<number, number>();
      for (const [act, first, count] of script) {
        if (act === 'remember') {
          counts.remember(hashOf(first, 3), count);
          model.set(first, count);
        } else if (act === 'age') {
          counts.age();
          for (const [each, known] of model) model.set(each, known >> 1);
        } else counts.reserve(first);
        for (let each = 0; each < 50; each++) {
          const found = counts.count(hashOf(each, 3));
          if (found !== (model.get(each) ?? 0)) expect([each, found]).toEqual([each, model.get(each) ?? 0]);
        }
      }
    }),
  );
});

describe.each([100, 5000, 100_000])('with room for %d entries', (entries) => {
  test('as many keys as there are entries are nearly all known, and hardly any other', () => {
    const counts = countsFor(entries);
    for (let key = 0; key < entries; key++) counts.remember(hashOf(key, 1), 1 + (key % mostCounted));
    let known = 0;
    let wrong = 0;
    let strangers = 0;
    for (let key = 0; key < entries; key++) {
      const count = counts.count(hashOf(key, 1));
      if (count > 0) known++;
      if (count > 0 && count !== 1 + (key % mostCounted)) wrong++;
      if (counts.count(hashOf(entries + key, 1)) > 0) strangers++;
    }
    // Four cells per bucket are enough for nearly all: two keys are expected in each.
    expect(known).toBeGreaterThan(entries * 0.92);
    expect(wrong).toBeLessThanOrEqual(entries * 0.002);
    expect(strangers).toBeLessThanOrEqual(Math.max(1, entries * 0.002));
  });

  test('a scan of keys that were asked for once pushes out nothing but others of its kind', () => {
    const counts = countsFor(entries);
    for (let key = 0; key < entries / 2; key++) counts.remember(hashOf(key, 1), 2 + (key % 8));
    const kept = (): number => {
      let sum = 0;
      for (let key = 0; key < entries / 2; key++) if (counts.count(hashOf(key, 1)) > 1) sum++;
      return sum;
    };
    const before = kept();
    for (let key = entries; key < 6 * entries; key++) counts.remember(hashOf(key, 1), 1);
    expect(before).toBeGreaterThan(entries * 0.49);
    // But for those with the same 12 bits in the same bucket.
    expect(kept()).toBeGreaterThan(before * 0.99);
    // The newest of the scan are known.
    let newest = 0;
    for (let key = 6 * entries - 100; key < 6 * entries; key++) newest += counts.count(hashOf(key, 1));
    expect(newest).toBeGreaterThan(70);
  });

  test('each halving is seen by all, whether they were touched between or not; after four nothing is left', () => {
    const counts = countsFor(entries);
    for (let key = 0; key < entries / 2; key++) counts.remember(hashOf(key, 1), mostCounted);
    const random = seededRandom(1);
    for (const wanted of [7, 3, 1, 0]) {
      counts.age();
      for (let touched = 0; touched < 20; touched++) {
        const found = counts.count(hashOf(Math.floor((random() * entries) / 2), 1));
        expect([0, wanted]).toContain(found);
      }
    }
    counts.age();
    counts.age();
    for (let key = 0; key < entries / 2; key++) expect(counts.count(hashOf(key, 1))).toBe(0);
  });
});

test('nothing is forgotten when the room for it grows, however much', () => {
  for (const first of [10, 100, 3000, 20_000]) {
    const counts = countsFor(first);
    for (let key = 0; key < first; key++) counts.remember(hashOf(key, 1), 1 + (key % mostCounted));
    const before = Array.from({ length: first }, (_, key) => counts.count(hashOf(key, 1)));
    for (let entries = first; entries < 200_000; entries += 500) counts.reserve(entries);
    expect(Array.from({ length: first }, (_, key) => counts.count(hashOf(key, 1)))).toEqual(before);
    // And there is room for more, though copies of the old ones take some.
    let known = 0;
    for (let key = first; key < 150_000; key++) counts.remember(hashOf(key, 1), 5);
    for (let key = first; key < 150_000; key++) if (counts.count(hashOf(key, 1)) === 5) known++;
    expect(known).toBeGreaterThan((150_000 - first) * 0.75);
  }
});

test('who was not touched in 32 periods, or in 64, does not come back with its old count', () => {
  for (const periods of [31, 32, 33, 64]) {
    const counts = countsFor(100);
    counts.remember(7, mostCounted);
    for (let period = 0; period < periods; period++) counts.age();
    expect(counts.count(7)).toBe(0);
  }
});

test('nobody is lost more often because of how its hash was made', () => {
  const entries = 20_000;
  for (const hash of [(key: number) => key, (key: number) => key << 12, (key: number) => -key * 4096]) {
    const counts = countsFor(entries);
    for (let key = 0; key < entries; key++) counts.remember(hash(key) | 0, 3);
    let known = 0;
    for (let key = 0; key < entries; key++) if (counts.count(hash(key) | 0) === 3) known++;
    expect(known).toBeGreaterThan(entries * 0.93);
  }
});
