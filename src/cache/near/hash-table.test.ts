import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../testing/seeded-random.ts';
import { EntrySlab } from './entry-slab.ts';
import { HashTable } from './hash-table.ts';
import { absent, crowded, mostSlots } from './slot-table.ts';
import { keyHash } from './key-hash.ts';

/** How full the tier lets its tables be, and more. */
const shares = [0.5, 0.75, 0.85, 0.95];

/** A table with a `Map` beside it. Keys are integers. */
class Pair {
  readonly slab = new EntrySlab();
  readonly table: HashTable;
  readonly slots = new Map<number, number>();
  readonly #hash: (key: number) => number;

  constructor(share: number, hash: (key: number) => number) {
    this.table = new HashTable(this.slab, share);
    this.#hash = hash;
  }

  find(key: number): number {
    return this.table.find(key, this.#hash(key));
  }

  add(key: number): void {
    const slot = this.slab.take(key, this.#hash(key), undefined, 1, 1);
    this.table.add(slot, this.#hash(key));
    this.slots.set(key, slot);
  }

  remove(key: number): void {
    this.compare(key);
    const slot = this.slots.get(key)!;
    this.table.remove(slot, this.#hash(key));
    this.slab.free(slot);
    this.slots.delete(key);
  }

  /** Looks for a key as the `Map` does. */
  compare(key: number): void {
    const wanted = this.slots.get(key) ?? -1;
    const found = Math.max(-1, this.find(key));
    if (found !== wanted) throw new Error(`key ${key}: slot ${found} instead of ${wanted}`);
  }

  /** Walks the cells: each slot is there once, in the order of homes, without a gap on its way, and each cell tells the truth. */
  walk(): void {
    const { table, slots } = this;
    const seen = new Set<number>();
    let before = { segment: -1, at: -1, home: -1 };
    for (const { slot, segment, at, last, distance, told, alike } of table.taken()) {
      const home = at - distance;
      if (segment !== before.segment) before = { segment, at: -1, home: -1 };
      if (told !== Math.min(7, distance))
        throw new Error(`cell ${at} tells ${told}, but is ${distance} away`);
      if (!alike) throw new Error(`cell ${at} tells another hash`);
      if (home < 0 || home < before.home) throw new Error(`cell ${at} comes before one that is nearer`);
      if (distance > 0 && before.at !== at - 1) throw new Error(`a gap before cell ${at}`);
      if (at >= last) throw new Error('the last cell is taken');
      before = { segment, at, home };
      seen.add(slot);
    }
    const all = [...slots.values()];
    if (seen.size !== all.length || !all.every((slot) => seen.has(slot)))
      throw new Error('not every slot is there');
    if (table.size !== slots.size) throw new Error(`size ${table.size} instead of ${slots.size}`);
  }
}

const well = (key: number): number => keyHash(key, 1);

/** Good ones, and such as tell little apart. */
const hashes: readonly [string, (key: number) => number][] = [
  ['good', well],
  ['constant', () => 7],
  ['constant, at the end of the table', () => 0xffff],
  ['constant, negative', () => -1],
  ['the lower 16 bits are equal', (key) => (well(key) & ~0xffff) | 0x1234],
  ['the lower 16 bits are equal, at the end of the table', (key) => well(key) | 0xffff],
  ['the upper 16 bits are equal', (key) => well(key) & 0xffff],
  ['three homes', (key) => (well(key) & ~0xffff) | ((key % 3) * 0x5555)],
  ['the key itself', (key) => key],
  ['the key, shifted', (key) => key << 20],
];

type Step = readonly ['add' | 'remove' | 'find', number];
const key = fc.nat(200);
const script: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('add' as const), key) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('remove' as const), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('find' as const), key) },
  ),
  { maxLength: 500, size: 'max' },
);

describe.each(hashes)('with a hash: %s', (_, hash) => {
  test('behaves like a Map, and its cells are in order after every step', () => {
    fc.assert(
      fc.property(fc.constantFrom(...shares), script, (share, steps) => {
        const pair = new Pair(share, hash);
        for (const [act, each] of steps) {
          const inside = pair.slots.has(each);
          if (act === 'add' && !inside) pair.add(each);
          else if (act === 'remove' && inside) pair.remove(each);
          pair.compare(each);
          pair.walk();
        }
        for (let each = 0; each <= 200; each++) pair.compare(each);
        pair.table.clear();
        pair.slots.clear();
        pair.walk();
        pair.add(1);
        pair.compare(1);
      }),
      // Where equal hashes leave the table no room at its end, it becomes very large.
      { numRuns: hash(0) === hash(1) && hash(0) !== 7 ? 8 : 60 },
    );
  });
});

describe.each(shares)('full to %d', (share) => {
  test('with a good hash: grows, splits and shrinks in the number of keys, and finds each', () => {
    const pair = new Pair(share, well);
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
      if (each % 9973 === 0) pair.walk();
    }
    for (let each = 0; each < 100_100; each++) pair.compare(each);
    pair.walk();
    const segments = new Set([...pair.table.taken()].map(({ segment }) => segment)).size;
    expect(segments).toBeGreaterThan(1);
    expect(segments).toBeLessThan(16);
    for (const each of keys.splice(0, 60_000)) pair.remove(each);
    pair.walk();
    for (let each = 0; each < 100_100; each++) pair.compare(each);
    while (keys.length > 0) pair.remove(keys.pop()!);
    pair.walk();
  });

  test('no segment is larger than it says: one that is full grows by less than a fifth', () => {
    const pair = new Pair(share, well);
    for (let each = 0; each < 150_000; each++) {
      pair.add(each);
      if (each % 29_989 !== 29_988) continue;
      const counts: number[] = [];
      const homes: number[] = [];
      for (const { segment, last } of pair.table.taken()) {
        counts[segment] = (counts[segment] ?? 0) + 1;
        homes[segment] = last + 1 - 64;
      }
      for (const [segment, count] of counts.entries()) {
        expect(homes[segment]! * share).toBeLessThan(count * 1.25);
        expect(homes[segment]! * share).toBeGreaterThanOrEqual(count - 1);
        // A larger one would take long to rebuild.
        expect(homes[segment]).toBeLessThanOrEqual(32_768 * 1.25);
      }
    }
  });

  test('with hashes that differ in their upper bits alone, or in their lower ones', () => {
    for (const hash of [
      (each: number) => each << 12,
      (each: number) => (each << 16) | 0xfff0,
      (each: number) => each,
      (each: number) => each & 0x3ff,
    ]) {
      const pair = new Pair(share, hash);
      for (let each = 0; each < 3000; each++) {
        pair.add(each);
        if (each % 100 === 0) pair.walk();
      }
      for (let each = 0; each < 3100; each++) pair.compare(each);
      for (let each = 0; each < 3000; each += 2) pair.remove(each);
      pair.walk();
      expect(pair.table.size).toBe(1500);
      for (let each = 0; each < 3100; each++) pair.compare(each);
    }
  });
});

test('what has no room in the tail makes the segment grow: nothing is lost, and nothing lies behind the end', () => {
  // All at home in the last cells of a table that is large enough for a thousand times as many.
  const pair = new Pair(0.5, (each) => (each < 10_000 ? well(each) : 0xff00 | (each & 0xff)));
  for (let each = 0; each < 10_000; each++) pair.add(each);
  let inTail = 0;
  for (let each = 10_000; each < 10_500; each++) {
    pair.add(each);
    if (each % 20 !== 0) continue;
    pair.walk();
    for (const { at, last } of pair.table.taken()) inTail = Math.max(inTail, at - (last - 64));
  }
  expect(inTail).toBeGreaterThan(32);
  for (let each = 0; each < 10_800; each++) pair.compare(each);
});

test('tells of a crowd: four other keys with an equal hash', () => {
  const pair = new Pair(0.5, (each) => (each < 100 ? 5 : well(each)));
  for (let each = 1000; each < 1300; each++) pair.add(each);
  for (let each = 0; each < 10; each++) {
    expect(pair.find(each)).toBe(each < 4 ? absent : crowded);
    pair.add(each);
  }
});

test('a cell tells all slots apart', () => {
  expect(mostSlots).toBe(2 ** 24 - 2);
});
