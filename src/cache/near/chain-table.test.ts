import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../testing/seeded-random.ts';
import { ChainTable, chainTableConstants } from './chain-table.ts';
import { EntrySlab } from './entry-slab.ts';
import { keyHash } from './key-hash.ts';
import { absent, crowd, crowded } from './slot-table.ts';

/** A table with a `Map` beside it. Keys are integers. */
class Pair {
  readonly slab = new EntrySlab();
  readonly table = new ChainTable(this.slab);
  readonly slots = new Map<number, number>();
  readonly #hash: (key: number) => number;

  constructor(hash: (key: number) => number) {
    this.#hash = hash;
  }

  add(key: number): void {
    const hash = this.#hash(key);
    const slot = this.slab.take(key, hash, undefined, 1, 1);
    this.table.add(slot, hash);
    this.slots.set(key, slot);
  }

  remove(key: number): void {
    const slot = this.slots.get(key)!;
    this.table.remove(slot, this.#hash(key));
    this.slab.free(slot);
    this.slots.delete(key);
  }

  find(key: number): number {
    return this.table.find(key, this.#hash(key));
  }

  compare(key: number): void {
    const found = Math.max(absent, this.find(key));
    const wanted = this.slots.get(key) ?? absent;
    if (found !== wanted) throw new Error(`key ${key}: slot ${found} instead of ${wanted}`);
  }

  /** Each slot is there once, in the right chain, and its cell tells the right bits of its hash and whether another one follows. */
  walk(): void {
    const seen = new Set<number>();
    const taken = [...this.table.taken()];
    for (const { slot, alike } of taken) {
      if (!alike) throw new Error(`the cell of slot ${slot} is wrong`);
      seen.add(slot);
    }
    const all = [...this.slots.values()];
    if (seen.size !== taken.length || seen.size !== all.length || !all.every((slot) => seen.has(slot)))
      throw new Error('not every slot is there once');
    if (this.table.size !== all.length) throw new Error(`size ${this.table.size} instead of ${all.length}`);
  }
}

const well = (key: number): number => keyHash(key, 1);

/** Good ones, and such as tell little apart. */
const hashes: readonly [string, (key: number) => number][] = [
  ['good', well],
  ['constant', () => 7],
  ['constant, the last chain', () => -1],
  ['the upper bits are equal', (key) => well(key) >>> 12],
  ['the last chains', (key) => well(key) | 0xfc000000],
  ['three chains', (key) => (well(key) & 0xffff) | ((key % 3) << 30)],
  ['the key itself', (key) => key],
];

type Step = readonly ['add' | 'remove' | 'find', number];
const key = fc.nat(300);
const script: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant('add' as const), key) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('remove' as const), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('find' as const), key) },
  ),
  { maxLength: 500, size: 'max' },
);

describe.each(hashes)('with a hash: %s', (_, hash) => {
  test('behaves like a Map, and its chains are in order after every step, while it grows, too', () => {
    fc.assert(
      fc.property(script, (steps) => {
        const pair = new Pair(hash);
        for (const [act, each] of steps) {
          const inside = pair.slots.has(each);
          if (act === 'add' && !inside) pair.add(each);
          else if (act === 'remove' && inside) pair.remove(each);
          pair.compare(each);
          pair.walk();
        }
        for (let each = 0; each <= 300; each++) pair.compare(each);
        pair.table.clear();
        pair.slots.clear();
        pair.walk();
        pair.add(1);
        pair.compare(1);
      }),
      { numRuns: 40 },
    );
  });
});

test('a hundred thousand keys come and go, and each is found', () => {
  const pair = new Pair(well);
  const random = seededRandom(1);
  const keys: number[] = [];
  for (let each = 0; each < 100_000; each++) {
    pair.add(each);
    keys.push(each);
    if (each % 5 === 4) {
      const at = Math.floor(random() * keys.length);
      pair.remove(keys[at]!);
      keys[at] = keys.at(-1)!;
      keys.pop();
    }
  }
  pair.walk();
  for (let each = 0; each < 100_100; each++) pair.compare(each);
  expect(pair.table.longestWay()).toBeLessThan(12);
  for (const each of keys) pair.remove(each);
  pair.walk();
});

test('growing moves a few chains per new key, and is over long before the next time', () => {
  const pair = new Pair(well);
  const sizes: number[] = [];
  let moving = false;
  for (let each = 0; each < 40_000; each++) {
    pair.add(each);
    if (moving !== pair.table.moving) sizes.push(each + 1);
    moving = pair.table.moving;
  }
  // It begins at 32, 64, 128, ... and ends half as many entries later.
  const begun = sizes.filter((_, index) => index % 2 === 0).filter((size) => size > 64);
  const ended = sizes.filter((_, index) => index % 2 === 1).filter((size) => size > 64);
  expect(begun.length).toBeGreaterThan(8);
  for (const [index, size] of ended.entries()) {
    expect(size - begun[index]!).toBeGreaterThan(size / 4);
    expect(size - begun[index]!).toBeLessThan(size / 2);
  }
});

test('tells of a crowd: four other keys with an equal hash, whatever chains are being moved', () => {
  const pair = new Pair((each) => (each < 100 ? 5 : well(each)));
  for (let each = 0; each < 10; each++) {
    expect(pair.find(each)).toBe(each < crowd ? absent : crowded);
    pair.add(each);
    for (let more = 0; more < 25; more++) pair.add(1000 + each * 25 + more);
  }
});

test('the constants that are copied are the same', () => {
  expect(chainTableConstants).toEqual({ crowd, absent, crowded });
});

test('a slot that is in no chain is in none after it has been taken out: nothing hangs, and no other leaves', () => {
  const pair = new Pair(() => 7);
  for (let each = 0; each < 10; each++) pair.add(each);
  const stray = pair.slab.take(-1, 7, undefined, 1, 1);
  const { heads, shift } = pair.table;
  pair.table.unlink(heads, 7 >>> shift, stray);
  expect(pair.find(-1)).toBeLessThan(0);
  pair.walk();
  for (let each = 0; each < 10; each++) pair.compare(each);
});
