import { describe, expect, test } from 'vitest';
import { hashOf } from '../../test/policies/slot-cache.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { WindowChooser } from './window-chooser.ts';

type Load = () => number;

/** Half of the requests for a few thousand keys, the popular ones far more often; half for keys that never come back. */
function popular(keys: number, random: () => number): Load {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += 1 / (rank + 1) ** 1.1;
  let once = 1e7;
  return () => {
    if (random() < 0.5) return once++;
    const wanted = random() * sum;
    return sums.findIndex((each) => each > wanted);
  };
}

/** What is asked for again is asked for again soon: popularity says nothing. */
function recent(entries: number, random: () => number): Load {
  let newest = 2e7;
  return () => (random() < 0.4 ? newest++ : newest - 1 - Math.floor(random() * entries * 0.6));
}

/** The same keys again and again, more than fit. */
function loop(entries: number): Load {
  let next = 0;
  return () => 3e7 + (next++ % Math.floor(entries * 1.5));
}

/** So many requests, of which the chooser sees its sample. The shares that it had, one after another. */
function run(chooser: WindowChooser, load: Load, requests: number): number[] {
  const shares = [chooser.share];
  for (let request = 0; request < requests; request++) {
    const hash = hashOf(load(), 5);
    if (chooser.samples(hash) && chooser.record(hash)) shares.push(chooser.share);
  }
  return shares;
}

function chooserFor(entries: number, seed = 1): WindowChooser {
  const chooser = new WindowChooser(seed);
  chooser.fit(entries);
  return chooser;
}

describe.each([300, 2000, 20_000])('for a cache of %d entries', (entries) => {
  test('where what was asked for lately comes back, the window becomes large', () => {
    const chooser = chooserFor(entries);
    run(chooser, recent(entries, seededRandom(1)), 60 * entries);
    expect(chooser.share).toBe(0.8);
  });

  test('in a loop it stays small', () => {
    const chooser = chooserFor(entries);
    const shares = run(chooser, loop(entries), 60 * entries);
    expect(Math.max(...shares)).toBeLessThan(0.2);
    expect(chooser.share).toBe(0.01);
  });

  test('it follows the load from one phase to the next, and never jumps', () => {
    const chooser = chooserFor(entries);
    const random = seededRandom(2);
    for (let phase = 0; phase < 3; phase++) {
      const large = run(chooser, recent(entries, random), 200 * entries);
      expect(chooser.share).toBe(0.8);
      const small = run(chooser, loop(entries), 200 * entries);
      expect(chooser.share).toBe(0.01);
      const all = [...large, ...small];
      for (const [number, share] of all.entries()) {
        expect(share).toBeGreaterThanOrEqual(0.01);
        expect(share).toBeLessThanOrEqual(0.8);
        if (number > 0) expect(Math.abs(share - all[number - 1]!)).toBeLessThanOrEqual(0.15 + 1e-9);
      }
    }
  });

  test('samples as many keys as about 128 of the entries are, whatever their hashes have in common', () => {
    const chooser = chooserFor(entries);
    for (const make of [
      (key: number) => hashOf(key, 5),
      (key: number) => key,
      (key: number) => key << 15,
      (key: number) => (hashOf(key, 5) & ~0xffff) | 7,
    ]) {
      const count = 100_000;
      let sampled = 0;
      for (let key = 0; key < count; key++) {
        if (chooser.samples(make(key) | 0)) sampled++;
      }
      const expected = count * Math.min(1, 128 / entries);
      expect(Math.abs(sampled - expected)).toBeLessThan(6 * Math.sqrt(expected) + 1);
    }
  });
});

test('where few keys are popular and the others never come back, the window ends small', () => {
  const shares = [1, 2, 3, 4, 5].map((seed) => {
    const chooser = chooserFor(1000, seed);
    run(chooser, popular(5000, seededRandom(seed)), 150_000);
    return chooser.share;
  });
  expect(shares.reduce((sum, each) => sum + each, 0) / shares.length).toBeLessThan(0.25);
});

test('the same seed and the same requests, the same window at each step', () => {
  const [first, second] = [1, 2].map(() => run(chooserFor(1000, 7), popular(5000, seededRandom(3)), 50_000));
  expect(first!.length).toBeGreaterThan(1);
  expect(second).toEqual(first);
});

test('a cache of another size keeps its window, and begins to compare anew', () => {
  const chooser = chooserFor(100);
  run(chooser, recent(100, seededRandom(1)), 60 * 100);
  expect(chooser.share).toBe(0.8);
  chooser.fit(5000);
  expect(chooser.share).toBe(0.8);
  run(chooser, loop(5000), 100 * 5000);
  expect(chooser.share).toBe(0.01);
});
