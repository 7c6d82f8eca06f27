import { expect, test } from 'vitest';
import type { Item, Key, NearCache } from '../competitors/adapter.ts';
import { openLoad } from './near-loads.ts';
import { stepsAtOnce } from './near-sizes.ts';

const key = (number: number): Key => 1_000_000 + number;

/** A cache that keeps everything, and answers what this makes of what it has. */
function cacheThat(answer: (item: Item | undefined) => Item | undefined): NearCache {
  const items = new Map<Key, Item>();
  return { get: (asked) => answer(items.get(asked)), set: (asked, item) => void items.set(asked, item) };
}

function run(caseName: string, cache: NearCache): void {
  const load = openLoad(caseName, cache, key, key);
  for (let turn = 0; turn < 3; turn++) {
    load.before();
    for (let step = 0; step < stepsAtOnce; step++) load.step();
  }
}

const noHit = /gets were no hits|gets was a hit|is not there/;

test.each([
  ['get, integers', noHit],
  ['set, integers', noHit],
  ['zipf, integers', /value of another key/],
])('wrong answers end a load: %s', (caseName, mixedUp) => {
  const right = cacheThat((item) => item);
  run(caseName, right);
  const forgets = cacheThat(() => undefined);
  expect(() => run(caseName, forgets)).toThrow(noHit);
  const mixesUp = cacheThat((item) => item && { id: item.id + 1 });
  expect(() => run(caseName, mixesUp)).toThrow(mixedUp);
});
