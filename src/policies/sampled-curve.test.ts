import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../testing/seeded-random.ts';
import { SampledCurve } from './sampled-curve.ts';

/** Exact hit ratios of LRU by stack distance (Mattson 1970), counted over the whole trace. */
function exactCurve(keys: readonly number[]): (entries: number) => number {
  const tree = new Int32Array(keys.length + 1);
  const last = new Map<number, number>();
  const atDistance = new Float64Array(keys.length + 1);
  const add = (time: number, difference: number): void => {
    for (let node = time + 1; node < tree.length; node += node & -node) tree[node]! += difference;
  };
  for (const [time, key] of keys.entries()) {
    const before = last.get(key);
    if (before !== undefined) {
      let older = 0;
      for (let node = before + 1; node > 0; node &= node - 1) older += tree[node]!;
      atDistance[last.size - older]!++;
      add(before, -1);
    }
    last.set(key, time);
    add(time, 1);
  }
  return (entries) => atDistance.subarray(0, entries).reduce((sum, each) => sum + each, 0) / keys.length;
}

/** The same from a list that is moved about: slow, and beyond doubt. */
function naiveHits(keys: readonly number[], entries: number): number {
  const list: number[] = [];
  let hits = 0;
  for (const key of keys) {
    const at = list.indexOf(key);
    if (at >= 0) list.splice(at, 1);
    if (at >= 0) hits++;
    list.unshift(key);
    if (list.length > entries) list.pop();
  }
  return hits;
}

/** 32 well mixed bits (MurmurHash3's finalizer). */
function hashOf(key: number, seed = 1): number {
  let hash = Math.imul(key, 0x9e3779b1) ^ seed;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function sampled(keys: readonly number[], samples: number, seed = 1): SampledCurve {
  const curve = new SampledCurve({ samples });
  for (const key of keys) {
    const hash = hashOf(key, seed);
    if (hash >>> 0 < curve.threshold) curve.record(hash);
  }
  curve.count(keys.length);
  return curve;
}

const shares = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** The curve's errors at the shares of the keys, averaged over three seeds. */
function errorOf(keys: readonly number[], samples: number): { mean: number; worst: number } {
  const exact = exactCurve(keys);
  const distinct = new Set(keys).size;
  const errors = [1, 2, 3].flatMap((seed) => {
    const curve = sampled(keys, samples, seed);
    return shares.map((share) => {
      const entries = Math.max(1, Math.round(share * distinct));
      return Math.abs(curve.hitRatio(entries) - exact(entries));
    });
  });
  return { mean: errors.reduce((sum, each) => sum + each) / errors.length, worst: Math.max(...errors) };
}

/** Requests for keys whose popularity falls with the power `skew` of their rank. */
function zipf(requests: number, keys: number, skew: number, seed: number): number[] {
  const random = seededRandom(seed);
  const upTo = new Float64Array(keys);
  let sum = 0;
  for (let key = 0; key < keys; key++) upTo[key] = sum += (key + 1) ** -skew;
  return Array.from({ length: requests }, () => {
    const wanted = random() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (upTo[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

const keyLists = fc.array(fc.nat(40), { maxLength: 400, size: 'max' });

test('while all keys fit into the sample, the curve is the exact one', () => {
  fc.assert(
    fc.property(keyLists, fc.integer({ min: 1, max: 50 }), (keys, entries) => {
      const hits = naiveHits(keys, entries) / Math.max(1, keys.length);
      expect(exactCurve(keys)(entries) || 0).toBeCloseTo(hits, 10);
      const curve = sampled(keys, 64);
      expect(curve.hitRatio(entries)).toBeCloseTo(hits, 10);
      expect(curve.distinct).toBe(new Set(keys).size);
    }),
  );
});

test('whatever the hashes, more room is never fewer hits, and the ratio is one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(60), fc.integer()), { maxLength: 600, size: 'max' }),
      fc.option(fc.integer({ min: 1, max: 1000 })),
      (hashes, horizon) => {
        const curve = new SampledCurve({ samples: 16, ...(horizon !== null && { horizon }) });
        for (const hash of hashes) curve.record(hash);
        let before = 0;
        for (let entries = 0; entries < 1e6; entries = entries * 1.5 + 1) {
          const ratio = curve.hitRatio(entries);
          expect(ratio).toBeGreaterThanOrEqual(before);
          expect(ratio).toBeLessThanOrEqual(1);
          before = ratio;
        }
      },
    ),
  );
});

describe.each([
  ['Zipf .7', zipf(400_000, 200_000, 0.7, 1)],
  ['Zipf .9', zipf(400_000, 200_000, 0.9, 2)],
  ['Zipf 1.1', zipf(400_000, 200_000, 1.1, 3)],
  [
    'scans between',
    zipf(400_000, 50_000, 0.9, 4).flatMap((key, at) => (at % 4 === 0 ? [key, 1e6 + at] : [key])),
  ],
  ['keys asked for once', Array.from({ length: 400_000 }, (_, at) => at)],
])('%s', (_name, keys) => {
  test.each([
    [2048, 0.04, 0.15],
    [8192, 0.015, 0.1],
  ])('with %i samples the error is %f on the mean of the sizes and %f at any', (samples, mean, worst) => {
    const error = errorOf(keys, samples);
    expect(error.mean).toBeLessThan(mean);
    expect(error.worst).toBeLessThan(worst);
  });
});

const traces = join(import.meta.dirname, '../../../shared/traces');

describe.skipIf(!existsSync(traces))('on published traces', () => {
  const names = existsSync(traces) ? readdirSync(traces).filter((name) => name.endsWith('.trace.gz')) : [];
  // The longest ones take a quarter of a minute each.
  const short = names.filter((name) => !/arc-|orm-busy|chain|scarab/.test(name));
  test.each(short)('%s: the error is as stated', (name) => {
    const lines = gunzipSync(readFileSync(join(traces, name)))
      .toString('latin1')
      .trimEnd()
      .split('\n');
    const keys = lines.map((line) => Number.parseInt(line, 10));
    expect(errorOf(keys, 2048).mean).toBeLessThan(0.03);
    expect(errorOf(keys, 8192).mean).toBeLessThan(0.015);
  });
});

test('a very popular key that is not in the sample counts as hits', () => {
  // Every second request is for one key: whether it is in the sample or not is a toss of a very lopsided coin.
  const keys = zipf(200_000, 100_000, 0.5, 5).map((key, at) => (at % 2 === 0 ? 1_000_000 : key));
  const exact = exactCurve(keys)(1000);
  for (const seed of [1, 2, 3, 4])
    expect(Math.abs(sampled(keys, 2048, seed).hitRatio(1000) - exact)).toBeLessThan(0.03);
});

test.each([
  [2048, 0.1],
  [8192, 0.05],
])('with %i samples the cliff of a loop is found to %f of its length', (samples, tolerance) => {
  const keys = Array.from({ length: 400_000 }, (_, at) => at % 60_000);
  for (const seed of [1, 2, 3]) {
    const curve = sampled(keys, samples, seed);
    expect(curve.hitRatio(60_000 * (1 - tolerance))).toBeLessThan(0.05);
    expect(curve.hitRatio(60_000 * (1 + tolerance))).toBeCloseTo(1 - 60_000 / 400_000, 1);
  }
});

test('the number of keys is estimated to a few per cent', () => {
  const keys = Array.from({ length: 1_000_000 }, (_, at) => at % 500_000);
  expect(sampled(keys, 8192).distinct / 500_000).toBeCloseTo(1, 1);
});

test('a rate below 1 samples that share of the keys from the start', () => {
  const curve = new SampledCurve({ samples: 2048, rate: 0.01 });
  let asked = 0;
  for (let key = 0; key < 100_000; key++) {
    const hash = hashOf(key);
    if (hash >>> 0 >= curve.threshold) continue;
    asked++;
    curve.record(hash);
  }
  expect(asked).toBeGreaterThan(800);
  expect(asked).toBeLessThan(1200);
  expect(curve.threshold).toBe(Math.ceil(0.01 * 2 ** 32));
});

test('with age the curve follows the workload', () => {
  const curve = new SampledCurve({ samples: 1024 });
  const run = (keys: number, requests: number): void => {
    for (let at = 0; at < requests; at++) curve.record(hashOf(at % keys));
    curve.count(requests);
  };
  run(1000, 50_000);
  expect(curve.hitRatio(500)).toBeLessThan(0.01);
  for (let turn = 0; turn < 8; turn++) {
    run(100, 10_000);
    curve.age();
  }
  expect(curve.hitRatio(500)).toBeGreaterThan(0.95);
});

test('with a horizon, keys that are gone do not thin the sample', () => {
  // Each phase has 2,000 keys of its own, asked for in a loop.
  const phases = Array.from({ length: 100 }, (_, phase) => (at: number) => phase * 2000 + (at % 2000));
  const endless = new SampledCurve({ samples: 512 });
  const bounded = new SampledCurve({ samples: 512, horizon: 4000 });
  for (const keyAt of phases) {
    for (let at = 0; at < 10_000; at++) {
      const hash = hashOf(keyAt(at));
      endless.record(hash);
      bounded.record(hash);
    }
    for (const curve of [endless, bounded]) curve.age();
  }
  expect(endless.threshold / 2 ** 32).toBeLessThan(0.003);
  expect(bounded.threshold / 2 ** 32).toBeGreaterThan(0.08);
  expect(bounded.hitRatio(1500)).toBeLessThan(0.05);
  expect(bounded.hitRatio(2600)).toBeGreaterThan(0.75);
});

test('nothing recorded: no hits', () => {
  const curve = new SampledCurve({ samples: 16 });
  expect(curve.hitRatio(10)).toBe(0);
  curve.count(100);
  expect(curve.hitRatio(10)).toBe(0);
  expect(curve.distinct).toBe(0);
});

test.each([
  [{ samples: 15 }, 'samples'],
  [{ samples: 100.5 }, 'samples'],
  [{ samples: 64, rate: 0 }, 'rate'],
  [{ samples: 64, rate: 1.1 }, 'rate'],
  [{ samples: 64, horizon: 0 }, 'horizon'],
  [{ samples: 64, horizon: Number.NaN }, 'horizon'],
])('%o is refused', (options, name) => {
  expect(() => new SampledCurve(options)).toThrow(`Option '${name}'`);
});
