import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlotCache, type SlotCacheOptions } from '../../test/policies/slot-cache.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { makePolicy, policyNames } from './policy-by-name.ts';
import type { Policy, PolicyOptions } from './policy.ts';

type Step =
  | readonly ['request', number, number]
  | readonly ['delete', number]
  | readonly ['reweigh', number, number]
  | readonly ['resize', number];

const key = fc.oneof(fc.nat(9), fc.nat(79));
const weight = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 60 }));
const script: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: fc.tuple(fc.constant('request' as const), key, weight) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('delete' as const), key) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('reweigh' as const), key, weight) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('resize' as const), fc.integer({ min: 1, max: 200 })) },
  ),
  { maxLength: 400, size: 'max' },
);
const capacity = fc.integer({ min: 1, max: 200 });

/** Runs a script and tells all that could be seen of it. */
function run(cache: SlotCache, steps: readonly Step[], limit: number): string {
  const answers: boolean[] = [];
  for (const [what, first, second = 1] of steps) {
    if (what === 'request') answers.push(cache.request(first, second));
    else if (what === 'delete') cache.delete(first);
    else if (what === 'reweigh') cache.reweigh(first, second);
    else {
      limit = first;
      cache.resize(first);
    }
    expect(cache.weight).toBeLessThanOrEqual(limit);
  }
  return JSON.stringify([answers, cache.evicted, cache.keys()]);
}

/** Entries of 1 each, no policy knows of weights: a value cannot become heavier. */
function unweighted(steps: readonly Step[]): readonly Step[] {
  return steps
    .filter(([what]) => what !== 'reweigh')
    .map((step) => (step[0] === 'request' ? ['request', step[1], 1] : step));
}

describe.each(policyNames)('%s', (name) => {
  const cacheOf = (options: SlotCacheOptions): SlotCache =>
    new SlotCache((given) => makePolicy(name, given), options);

  test('keeps to the capacity in weight, names resident victims, and its size and weight add up', () => {
    fc.assert(
      fc.property(capacity, script, (limit, steps) => {
        run(cacheOf({ capacity: limit, weighted: true }), steps, limit);
      }),
    );
  });

  test('keeps to the capacity in entries, names resident victims, and its size adds up', () => {
    fc.assert(
      fc.property(capacity, script, (limit, steps) => {
        run(cacheOf({ capacity: limit }), unweighted(steps), limit);
      }),
    );
  });

  test('the same seed gives the same answers', () => {
    fc.assert(
      fc.property(capacity, script, fc.integer(), (limit, steps, seed) => {
        const options = { capacity: limit, seed, weighted: true };
        expect(run(cacheOf(options), steps, limit)).toBe(run(cacheOf(options), steps, limit));
      }),
    );
  });

  test('which slot an entry is in makes no difference, nor what was in it before', () => {
    fc.assert(
      fc.property(capacity, script, (limit, steps) => {
        const last = cacheOf({ capacity: limit, weighted: true, reuse: 'last' });
        const first = cacheOf({ capacity: limit, weighted: true, reuse: 'first' });
        expect(run(last, steps, limit)).toBe(run(first, steps, limit));
      }),
    );
  });

  test('gives up all entries one by one when there is no newcomer, and then names none', () => {
    const cache = cacheOf({ capacity: 100 });
    expect(cache.policy.victim()).toBe(-1);
    for (let round = 0; round < 3; round++) for (let each = 0; each < 150; each++) cache.request(each);
    cache.resize(40);
    expect(cache.size).toBe(40);
    while (cache.size > 0) cache.evict();
    expect(cache.policy.victim()).toBe(-1);
    cache.resize(200);
    for (let each = 0; each < 200; each++) cache.request(each);
    expect(cache.size).toBe(200);
    expect(cache.slots).toBe(200);
  });
});

test.each([true, false])(
  'w-tinylfu: taking a slot over is the same as leaving and coming (weighted: %s)',
  (weighted) => {
    const cacheOf = (options: SlotCacheOptions): SlotCache =>
      new SlotCache((given) => makePolicy('w-tinylfu', given), { ...options, weighted });
    fc.assert(
      fc.property(capacity, script, (limit, steps) => {
        const given = weighted ? steps : unweighted(steps);
        const atOnce = cacheOf({ capacity: limit, exchange: true });
        const each = cacheOf({ capacity: limit });
        expect(run(atOnce, given, limit)).toBe(run(each, given, limit));
      }),
    );
    // Many ages, a window that changes, and keys that the policy samples.
    const [atOnce, each] = [true, false].map((exchange) => cacheOf({ capacity: 300, exchange })) as [
      SlotCache,
      SlotCache,
    ];
    const random = seededRandom(3);
    for (let number = 0; number < 60_000; number++) {
      const key = number % 3 === 0 ? number : Math.floor(600 * random() ** 2);
      const weight = weighted ? 1 + (key % 3) : 1;
      if (atOnce.request(key, weight) !== each.request(key, weight))
        throw new Error(`request ${number} differs`);
    }
    expect(atOnce.evicted).toEqual(each.evicted);
    expect(atOnce.keys()).toEqual(each.keys());
  },
);

/** All but the one that samples by the number of entries, which it cannot know from a capacity in bytes. */
const exact = policyNames.filter((name) => name !== 'w-tinylfu');

test.each(exact)('%s: entries that all weigh the same are as good as entries that weigh 1', (name) => {
  const make = (options: PolicyOptions): Policy => makePolicy(name, options);
  fc.assert(
    // Multiples of ten, so that shares are whole; a power of two as the weight, so that fractions are rounded alike.
    fc.property(
      fc.constantFrom(10, 20, 50),
      fc.array(key, { maxLength: 600, size: 'max' }),
      (limit, keys) => {
        const light = new SlotCache(make, { capacity: limit });
        const heavy = new SlotCache(make, { capacity: limit * 1024, weighted: true });
        for (const each of keys) expect(heavy.request(each, 1024)).toBe(light.request(each));
        expect(heavy.evicted).toEqual(light.evicted);
      },
    ),
  );
});
