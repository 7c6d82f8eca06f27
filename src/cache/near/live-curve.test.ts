import { expect, test } from 'vitest';
import { seededRandom } from '../../testing/seeded-random.ts';
import { keyHash } from './key-hash.ts';
import { LiveCurve, type SizeEstimate } from './live-curve.ts';
import { NearTier } from './near-tier.ts';

/** Entries that the tier holds. */
const held = 10_000;

/** Three of five requests are for one of ten thousand keys, the others for keys that never come back. Asked for the estimate every so many requests. */
function estimateAfter(requests: number, asked: number): ReturnType<LiveCurve['estimate']> {
  const curve = new LiveCurve(true, { resident: held, fitting: held, overflowed: true });
  for (let number = 0; number < requests; number++) {
    const known = number % 5 < 3;
    curve.request(keyHash(known ? Math.imul(number, 0x9e3779b1) % held : held + number, 7));
    if (number % asked === 0) curve.estimate();
  }
  return curve.estimate();
}

test('the estimate is the same, and as near, when nobody asked for it until now: keys that are gone do not thin out the sample', () => {
  const requests = 6_000_000;
  const late = estimateAfter(requests, requests)!;
  expect(late).toEqual(estimateAfter(requests, 50_000));
  expect(late.distinct).toBeLessThan(20 * held);
});

type Load = (random: () => number) => () => number;

const entries = 10_000;
const nature = {
  until: 1e9,
  freshUntil: 1e9,
  confirmedUntil: Number.POSITIVE_INFINITY,
  staleUntil: 1e9,
  loadedAt: 0,
  negative: false,
  copied: false,
};

/** Popularity falls with a power of the rank. */
function zipf(keys: number, skew: number): Load {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -skew;
  return (random) => () => {
    const wanted = random() * sum;
    let low = 0;
    for (let high = keys - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** The same keys over and over. */
function loop(keys: number): Load {
  return () => {
    let next = 0;
    return () => next++ % keys;
  };
}

/** What was asked for lately, or something new. */
const recent: Load = (random) => {
  let newest = 0;
  return () => (random() < 0.3 ? newest++ : newest - 1 - Math.floor(random() ** 2 * 3 * entries));
};

/** A tier that is read through with this load: what it estimates, and the share of its hits. */
function readThrough(
  load: Load,
  maxEntries: number,
  requests: number,
  seed: number,
): [SizeEstimate | undefined, number] {
  const tier = new NearTier({ maxBytes: 1e9, maxEntries, policy: 'lru', seed });
  const index = tier.index('a');
  const next = load(seededRandom(seed));
  let hits = 0;
  for (let request = 0; request < requests; request++) {
    const key = `product:${next()}`;
    if (index.get(key) >= 0) hits++;
    else index.put(key, request, 0, nature, 0);
  }
  return [tier.estimate(), hits / requests];
}

const loads: readonly (readonly [string, number, Load])[] = [
  ['popular keys', 400_000, zipf(100_000, 0.9)],
  ['hardly popular keys', 400_000, zipf(50_000, 0.5)],
  ['what was asked for lately', 400_000, recent],
  ['a loop that fits into twice the memory', 400_000, loop(15_000)],
  ['a loop that fits into four times the memory', 400_000, loop(30_000)],
  ['a loop that fits', 200_000, loop(9000)],
];

test.each(loads)(
  'what half, twice and four times the memory would give is what it gives, within 2 points on the average: %s',
  (name, requests, load) => {
    const [half, same, double, fourfold] = [0.5, 1, 2, 4].map(
      (factor) => readThrough(load, factor * entries, requests, 1)[1],
    ) as [number, number, number, number];
    const errors: number[] = [];
    for (const seed of [1, 2, 3]) {
      // The same requests; other hashes, and so another sample.
      const [estimate] = readThrough(
        (random) => load(seed === 1 ? random : seededRandom(1)),
        entries,
        requests,
        seed,
      );
      expect(estimate!.half).toBeLessThanOrEqual(0);
      expect(estimate!.double).toBeGreaterThanOrEqual(0);
      expect(estimate!.fourfold).toBeGreaterThanOrEqual(estimate!.double);
      errors.push(
        Math.abs(estimate!.hitRatio - same),
        Math.abs(estimate!.half - (half - same)),
        Math.abs(estimate!.double - (double - same)),
        Math.abs(estimate!.fourfold - (fourfold - same)),
      );
      expect(estimate!.text).toBe(
        `twice the memory would give +${(100 * estimate!.double).toFixed(1)} points`,
      );
    }
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.02);
    // Where a cliff lies is known to 1 in the root of the sampled keys before it: here some 150.
    expect(Math.max(...errors)).toBeLessThan(name.startsWith('a loop') ? 0.1 : 0.06);
  },
);

test('it says nothing until it knows enough, nor when it is switched off, nor of an empty tier', () => {
  const load = zipf(100_000, 0.9);
  expect(readThrough(load, entries, 1000, 1)[0]).toBeUndefined();
  expect(readThrough(load, entries, 200_000, 1)[0]).toBeDefined();
  const off = new NearTier({ maxBytes: 1e9, estimate: false });
  const index = off.index('a');
  for (let request = 0; request < 200_000; request++) {
    if (index.get(request % 1000) < 0) index.put(request % 1000, 1, 0, nature, 0);
  }
  expect(off.estimate()).toBeUndefined();
  const empty = new NearTier({ maxBytes: 1e9, seed: 1 });
  const unused = empty.index('a');
  for (let request = 0; request < 200_000; request++) unused.get(request);
  expect(empty.estimate()).toBeUndefined();
});

test('a tier that is not full would gain nothing by more memory, whether it counts entries or bytes', () => {
  for (const limits of [{ maxBytes: 64e6 }, { maxBytes: 1e9, maxEntries: entries }]) {
    const tier = new NearTier({ ...limits, seed: 1 });
    const index = tier.index('a');
    for (let request = 0; request < 200_000; request++) {
      if (index.get(request % 9000) < 0) index.put(request % 9000, 1, 100, nature, 0);
    }
    expect(tier.estimate()!.hitRatio).toBeGreaterThan(0.9);
    expect(tier.estimate()!.text).toBe('twice the memory would give +0.0 points');
  }
});

test('a full tier that has just been emptied is still as large as it was', () => {
  const tier = new NearTier({ maxBytes: 1e6, policy: 'lru', seed: 1 });
  const index = tier.index('a');
  for (let request = 0; request < 300_000; request++) {
    const key = (request * 7919) % 20_000;
    if (index.get(key) < 0) index.put(key, 1, 100, nature, 0);
  }
  const before = tier.estimate()!;
  // All but a few are gone, and so are their slots.
  for (let key = 0; key < 20_000; key++) if (index.size > 10) index.delete(key);
  const { hitRatio, half, double, fourfold } = tier.estimate()!;
  expect(hitRatio).toBeCloseTo(before.hitRatio, 1);
  expect(half).toBeCloseTo(before.half, 1);
  expect(double).toBeCloseTo(before.double, 1);
  expect(fourfold).toBeCloseTo(before.fourfold, 1);
  expect(fourfold).toBeGreaterThan(0.5);
});

test('it follows the load: what was long ago counts less and less', () => {
  const curve = new LiveCurve(true, { resident: 2000, fitting: 2000, overflowed: true });
  for (let number = 0; number < 18_000_000; number++) curve.request(keyHash(number % 1000, 1));
  expect(curve.estimate()!.hitRatio).toBeGreaterThan(0.99);
  // A loop that does not fit: two half-lives of requests later most of the rest is gone from the estimate.
  for (let number = 0; number < 18_000_000; number++) curve.request(keyHash(10_000 + (number % 3000), 1));
  expect(curve.estimate()!.hitRatio).toBeLessThan(0.35);
  expect(curve.estimate()!.double).toBeGreaterThan(0.6);
});
