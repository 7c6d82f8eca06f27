import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { WTinyLfuPolicy } from '../../policies/w-tinylfu.ts';
import { HashIndex } from './hash-index.ts';
import { finish } from './key-hash.ts';
import { LiveCurve } from './live-curve.ts';
import { NearIndex } from './near-index.ts';
import { NearRoom } from './near-room.ts';
import { ChainTable } from './chain-table.ts';
import { SwiftIndex } from './swift-index.ts';

const seed = 7;

/** One index over parts of its own, with both ways to make it. */
class Filled {
  readonly room: NearRoom;
  readonly policy: WTinyLfuPolicy;
  readonly curve: LiveCurve;
  readonly index: NearIndex;

  constructor(capacity: number, swift: boolean) {
    let policy: WTinyLfuPolicy | undefined;
    this.room = new NearRoom({
      maxBytes: Number.MAX_SAFE_INTEGER,
      maxEntries: capacity,
      defer: undefined,
      policy: (slab) =>
        (policy = new WTinyLfuPolicy({ capacity, seed, hashOf: (slot) => slab.hashOf(slot) })),
    });
    this.policy = policy!;
    this.curve = new LiveCurve(true, this.room);
    const keys = new HashIndex(this.room.slab, seed, (slab) => new ChainTable(slab));
    const { room, curve } = this;
    const parts = { name: 'a', room, keys, weight: () => 1, curve, removed: undefined };
    this.index = swift ? new SwiftIndex({ ...parts, policy: this.policy, seed }) : new NearIndex(parts);
  }

  put(key: KeyPart, value: unknown, now: number, life: number): void {
    const until = now + life;
    const times = { until, freshUntil: until, confirmedUntil: Infinity, staleUntil: until, loadedAt: now };
    this.index.put(key, value, 1, { ...times, negative: false, copied: false }, now);
  }

  fresh(key: KeyPart, now: number): unknown {
    const slot = this.index.fresh(key, now);
    return slot < 0 ? slot : [slot, this.room.slab.valueOf(slot)];
  }

  /** All that a hit changes. */
  state(): unknown[] {
    const { words, counted, period, age } = this.policy.segments;
    return [[...words.subarray(0, this.room.slab.end)], counted, period, age, this.curve.requests];
  }
}

/** All alike in length and in the characters that a sample takes: from the fifth on they go into the second table. */
const alike = (number: number): string => `user:${String(number).padStart(6, '0')}${'x'.repeat(40)}`;

const key: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((number) => `product:${number}`),
  fc.nat(7).map(alike),
  fc.constantFrom<KeyPart>('', 1.5, 2 ** 40, -0, true, 5n, '5', -7),
);

const steps = fc.array(
  fc.record({
    key,
    way: fc.constantFrom('fresh', 'fresh', 'fresh', 'put', 'put', 'delete', 'later'),
    life: fc.constantFrom(1, 100, 100_000),
  }),
  { maxLength: 600, size: 'max' },
);

test('finds what any index finds, and leaves everything as that does', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(10, 64, 1000), (script, capacity) => {
      const swift = new Filled(capacity, true);
      const plain = new Filled(capacity, false);
      let now = 1000;
      for (const [number, { key, way, life }] of script.entries()) {
        if (way === 'later') now += life;
        else if (way === 'put') for (const each of [swift, plain]) each.put(key, number, now, life);
        else if (way === 'delete') expect(swift.index.delete(key)).toBe(plain.index.delete(key));
        else expect(swift.fresh(key, now)).toEqual(plain.fresh(key, now));
      }
      expect(swift.state()).toEqual(plain.state());
    }),
  );
});

test('also while the table grows, over many ages, and beyond the slots whose references lie in one piece', () => {
  const capacity = 280_000;
  const swift = new Filled(capacity, true);
  const plain = new Filled(capacity, false);
  for (let number = 0; number < capacity; number++) {
    const each = number % 2 === 0 ? number : `key:${number}`;
    for (const filled of [swift, plain]) filled.put(each, number, 5, 1000);
    if (number % 7 !== 0) continue;
    const other = Math.floor(number / 2);
    const asked = other % 2 === 0 ? other : `key:${other}`;
    const found = swift.index.fresh(asked, 6);
    if (found < 0 || found !== plain.index.fresh(asked, 6)) throw new Error(`${asked}: slot ${found}`);
  }
  const small = [new Filled(500, true), new Filled(500, false)] as const;
  for (let number = 0; number < 60_000; number++) {
    const each = (number * 7919) % 700;
    const [one, other] = small.map((filled) => {
      const slot = filled.index.fresh(each, 6);
      if (slot < 0) filled.put(each, number, 5, 1000);
      return slot;
    });
    if (one !== other) throw new Error(`${each}: slots ${one} and ${other}`);
  }
  expect(small[0].policy.segments.age).toBeGreaterThan(5);
  expect(small[0].state()).toEqual(small[1].state());
  expect(swift.state()).toEqual(plain.state());
});

test('and entries that are asked for more often than their counts can tell, by the short way', () => {
  const swift = new Filled(1000, true);
  const plain = new Filled(1000, false);
  for (let key = 0; key < 1000; key++) for (const filled of [swift, plain]) filled.put(key, key, 5, 1000);
  const use = vi.spyOn(swift.index, 'use');
  const asked = 100_000;
  for (let number = 0; number < asked; number++) {
    const half = number >> 1;
    const key = number % 2 === 0 ? half % 50 : (half * 7919) % 1000;
    expect(swift.index.fresh(key, 6)).toBe(plain.index.fresh(key, 6));
  }
  const { words, age } = swift.policy.segments;
  expect(words.subarray(0, 1000).filter((word) => (word & 0xf) === 15).length).toBeGreaterThan(20);
  expect(age).toBeGreaterThan(2);
  expect(swift.state()).toEqual(plain.state());
  // First hits in an age, and of keys that the policy samples.
  expect(use.mock.calls.length).toBeLessThan(asked / 3);
});

test('and keys that lie farther from where their way begins than a cell can tell', () => {
  const swift = new Filled(1000, true);
  const plain = new Filled(1000, false);
  // Of a table of 64 cells: all of these begin at the same one, and none of the far ones has four bits that one of the near ones has, too.
  const keys: number[] = [];
  for (let key = 0; keys.length < 31; key++) {
    const hash = finish(key ^ seed);
    if (hash >>> 26 === 7 && ((hash & 0xf) === 5) === keys.length >= 16) keys.push(key);
  }
  for (const key of keys) for (const filled of [swift, plain]) filled.put(key, key, 5, 1000);
  for (const key of keys) expect(swift.fresh(key, 6)).toEqual(plain.fresh(key, 6));
  expect(keys.map((key) => swift.index.look(key)).every((slot) => slot >= 0)).toBe(true);
  expect(swift.state()).toEqual(plain.state());
  // Each distance is once that of the last one.
  for (const key of keys.toReversed()) {
    expect(swift.fresh(key, 6)).toEqual(plain.fresh(key, 6));
    for (const filled of [swift, plain]) filled.index.delete(key);
  }
});
