import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { WTinyLfuPolicy } from '../../policies/w-tinylfu.ts';
import { evenSlots } from './entry-slab.ts';
import { HashIndex } from './hash-index.ts';
import { finish } from './key-hash.ts';
import { LiveCurve } from './live-curve.ts';
import { NearIndex } from './near-index.ts';
import { NearRoom } from './near-room.ts';
import { ChainTable } from './chain-table.ts';
import { SwiftIndex } from './swift-index.ts';

const seed = 7;

interface Shape {
  /** Of entries, or of bytes. */
  readonly capacity: number;
  readonly weighted?: boolean;
  /** Whether each removal is told. */
  readonly told?: boolean;
}

/** Two indexes in one room, with both ways to make them. */
class Filled {
  readonly room: NearRoom;
  readonly policy: WTinyLfuPolicy;
  readonly curve: LiveCurve;
  readonly index: NearIndex;
  readonly other: NearIndex;
  /** The first table of `index`. */
  readonly table: ChainTable;
  readonly #told: unknown[] = [];

  constructor({ capacity, weighted = false, told = false }: Shape, swift: boolean) {
    let policy: WTinyLfuPolicy | undefined;
    this.room = new NearRoom({
      maxBytes: weighted ? capacity : Number.MAX_SAFE_INTEGER,
      maxEntries: weighted ? Number.POSITIVE_INFINITY : capacity,
      defer: undefined,
      policy: (slab) =>
        (policy = new WTinyLfuPolicy({
          capacity,
          seed,
          hashOf: (slot) => slab.hashOf(slot),
          weightOf: weighted ? (slot) => slab.weightOf(slot) : undefined,
        })),
    });
    this.policy = policy!;
    const { room } = this;
    const curve = new LiveCurve(true, room);
    this.curve = curve;
    const removed = told ? (...each: unknown[]): void => void this.#told.push(each) : undefined;
    const keysOf = (): HashIndex<ChainTable> =>
      new HashIndex(room.slab, seed, (slab) => new ChainTable(slab));
    const index = (name: string, keys: HashIndex<ChainTable>): NearIndex => {
      const parts = { name, room, keys, weight: (_: KeyPart, bytes: number) => bytes, curve, removed };
      return swift ? new SwiftIndex({ ...parts, policy: policy!, seed }) : new NearIndex(parts);
    };
    const keys = keysOf();
    this.table = keys.sampled;
    this.index = index('a', keys);
    this.other = index('b', keysOf());
  }

  put(key: KeyPart, value: unknown, now: number, life: number, more: Partial<Put> = {}): number {
    const { bytes = 1, kind = 0, index = this.index } = more;
    const until = now + life;
    const times = { until, freshUntil: until, confirmedUntil: Infinity, staleUntil: until, loadedAt: now };
    return index.put(key, value, bytes, { ...times, negative: kind === 1, copied: kind === 2 }, now);
  }

  fresh(key: KeyPart, now: number): unknown {
    const slot = this.index.fresh(key, now);
    return slot < 0 ? slot : [slot, this.room.slab.valueOf(slot)];
  }

  /** Asks for the promise of an entry, as a cache does on a hit. */
  promise(key: KeyPart, now: number): unknown {
    const slot = this.index.fresh(key, now);
    if (slot < 0) return slot;
    const kept = this.index.promise(slot) !== undefined;
    if (!kept) this.index.offer(slot, Promise.resolve(key));
    return [slot, kept];
  }

  /** All that there is: entries slot by slot, what the policy and the curve know, what has been told and counted. */
  state(): unknown[] {
    const { room, policy, index, other } = this;
    const { slab, promises, bytes, resident, overflowed } = room;
    const { words, counted, period, age, size, weight, marked } = policy.segments;
    const slots = Array.from({ length: slab.end }, (_, slot) =>
      slab.ownerOf(slot) === 0
        ? undefined
        : [
            slab.keyOf(slot),
            slab.valueOf(slot),
            slab.hashOf(slot),
            slab.markOf(slot),
            slab.weightOf(slot),
            slab.times(slot),
            words[slot],
            promises.get(slot) !== undefined,
          ],
    );
    return [
      slots,
      [bytes, resident, overflowed, counted, period, age, size, weight, marked, this.curve.requests],
      [index.size, index.removals, other.size, other.removals],
      this.#told,
    ];
  }
}

interface Put {
  readonly bytes: number;
  /** 1: for what there is not. 2: of a private value. */
  readonly kind: number;
  readonly index: NearIndex;
}

/** All alike in length and in the characters that a sample takes: from the fifth on they go into the second table. */
const alike = (number: number): string => `user:${String(number).padStart(6, '0')}${'x'.repeat(40)}`;

const key: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((number) => `product:${number}`),
  fc.nat(7).map(alike),
  fc.constantFrom<KeyPart>('', 1.5, 2 ** 40, -0, true, 5n, '5', -7),
);

const ways = ['fresh', 'promise', 'put', 'delete', 'later', 'clear', 'put elsewhere', 'resize'] as const;
const usual = fc.constantFrom(...ways.slice(0, 3));
const steps = fc.array(
  fc.record({
    key,
    way: fc.oneof({ weight: 8, arbitrary: usual }, { weight: 2, arbitrary: fc.constantFrom(...ways) }),
    life: fc.constantFrom(1, 100, 100_000),
    bytes: fc.oneof(fc.constant(8), fc.integer({ min: 1, max: 20 }), fc.constant(5000)),
    kind: fc.nat(2),
  }),
  { maxLength: 600, size: 'max' },
);

const shape: fc.Arbitrary<Shape> = fc.record({
  capacity: fc.constantFrom(10, 64, 1000),
  weighted: fc.boolean(),
  told: fc.boolean(),
});

test('does what any index does, and leaves everything as that does', () => {
  fc.assert(
    fc.property(steps, shape, (script, shape) => {
      const both = [new Filled(shape, true), new Filled(shape, false)] as const;
      const alike = (act: (filled: Filled) => unknown): void => {
        const [swift, plain] = both.map(act);
        expect(swift).toEqual(plain);
      };
      let now = 1000;
      for (const [number, { key, way, life, ...more }] of script.entries()) {
        if (way === 'later') now += life;
        else if (way === 'put') alike((each) => each.put(key, number, now, life, more));
        else if (way === 'put elsewhere')
          alike((each) => each.put(key, number, now, life, { ...more, index: each.other }));
        else if (way === 'delete') alike((each) => each.index.delete(key));
        else if (way === 'clear' && number % 4 === 0) alike((each) => each.other.clear());
        else if (way === 'clear') alike((each) => (number % 11 === 0 ? each.index.clear() : undefined));
        else if (way === 'resize') {
          const capacity = (life % 90) + 10;
          const { weighted = false } = shape;
          alike((each) =>
            each.room.resize(
              weighted ? capacity : Number.MAX_SAFE_INTEGER,
              weighted ? Number.POSITIVE_INFINITY : capacity,
              capacity,
            ),
          );
        } else if (way === 'promise') alike((each) => each.promise(key, now));
        else alike((each) => each.fresh(key, now));
      }
      alike((each) => each.state());
    }),
  );
});

test('also while the table grows, over many ages, and beyond the slots whose references lie in one piece', () => {
  const capacity = 280_000;
  const swift = new Filled({ capacity }, true);
  const plain = new Filled({ capacity }, false);
  for (let number = 0; number < capacity; number++) {
    const each = number % 2 === 0 ? number : `key:${number}`;
    for (const filled of [swift, plain]) filled.put(each, number, 5, 1000);
    if (number % 7 !== 0) continue;
    const other = Math.floor(number / 2);
    const asked = other % 2 === 0 ? other : `key:${other}`;
    const found = swift.index.fresh(asked, 6);
    if (found < 0 || found !== plain.index.fresh(asked, 6)) throw new Error(`${asked}: slot ${found}`);
  }
  const small = [new Filled({ capacity: 500 }, true), new Filled({ capacity: 500 }, false)] as const;
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
  const swift = new Filled({ capacity: 1000 }, true);
  const plain = new Filled({ capacity: 1000 }, false);
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

test('and keys of one long chain', () => {
  const both = [new Filled({ capacity: 1000 }, true), new Filled({ capacity: 1000 }, false)] as const;
  const [swift, plain] = both;
  // All of these begin at the same head, and many have tags that others have, too.
  const keys: number[] = [];
  for (let key = 0; keys.length < 15; key++) if (finish(key ^ seed) >>> 26 === 7) keys.push(key);
  for (const key of keys) for (const filled of both) filled.put(key, key, 5, 1000);
  for (const key of keys) expect(swift.fresh(key, 6)).toEqual(plain.fresh(key, 6));
  expect(keys.map((key) => swift.index.look(key)).every((slot) => slot >= 0)).toBe(true);
  expect(swift.state()).toEqual(plain.state());
  for (const key of keys.toReversed()) {
    expect(swift.fresh(key, 6)).toEqual(plain.fresh(key, 6));
    for (const filled of both) filled.index.delete(key);
  }
});

test('and entries that take the place of others beyond the slots whose references lie in one piece', () => {
  const capacity = 270_000;
  const both = [new Filled({ capacity }, true), new Filled({ capacity }, false)] as const;
  let far = 0;
  for (let number = 0; number < 300_000; number++) {
    const [slot, other] = both.map((filled) => filled.put(number, -number, 5, 1000)) as [number, number];
    if (slot !== other) throw new Error(`${number}: slots ${slot} and ${other}`);
    if (number < capacity) continue;
    if (slot >= evenSlots) far++;
    expect(both.map(({ room }) => room.slab.valueOf(slot))).toEqual([-number, -number]);
  }
  expect(far).toBeGreaterThan(1000);
});

test('a promise of what has left is not that of what has come in its place', () => {
  const filled = new Filled({ capacity: 20 }, true);
  for (let key = 0; key < 2000; key++) {
    filled.put(key, key, 5, 1000);
    for (let time = 0; time < 3; time++) filled.promise(key, 6);
    const slot = filled.index.look(key);
    expect(filled.index.promise(slot)).toBeDefined();
    const next = filled.put(key + 0.5, key, 5, 1000);
    expect(filled.index.promise(next)).toBeUndefined();
    const other = filled.put(-1 - key, key, 5, 1000);
    expect(filled.index.promise(other)).toBeUndefined();
  }
});

test('one that is too heavy for a call to make room for it is refused, whichever way it comes', () => {
  const both = [true, false].map((swift) => new Filled({ capacity: 3100, weighted: true }, swift));
  for (const filled of both) for (let key = 0; key < 3100; key++) filled.put(key, key, 5, 1000);
  const [swift, plain] = both.map((filled) => [
    filled.put('heavy', 1, 5, 1000, { bytes: 1025 }),
    filled.index.removals.evicted,
    filled.put('lighter', 1, 5, 1000, { bytes: 1000 }),
    filled.state(),
  ]);
  expect(swift).toEqual(plain);
  expect(swift!.slice(0, 2)).toEqual([-1, 1024]);
});

test('a table grows also where each new entry takes the place of one of another index', () => {
  const filled = new Filled({ capacity: 5000 }, true);
  for (let key = 0; key < 5000; key++) filled.put(key, key, 5, 1000, { index: filled.other });
  let longest = 0;
  for (let number = 0, added = 0; number < 60_000; number++) {
    const key = (number * 7919) % 4000;
    if (filled.fresh(key, 6) !== -1) continue;
    filled.put(key, key, 5, 1000);
    // Every 32nd new entry takes the general way: never one of these.
    if (++added % 31 === 0) filled.put(10_000 + number, key, 5, 1000, { index: filled.other });
    longest = Math.max(longest, filled.index.size / filled.table.heads.length);
  }
  expect(filled.index.size).toBeGreaterThan(500);
  // One more than that may be inside.
  expect(longest).toBeLessThanOrEqual(33 / 32);
});

test('a key that was not found and came in the place of another one is found by every way', () => {
  const filled = new Filled({ capacity: 100 }, true);
  for (let key = 0; key < 1000; key++) {
    expect(filled.fresh(key, 6)).toBe(-1);
    const slot = filled.put(key, key, 5, 1000);
    expect([filled.index.look(key), filled.index.get(key)]).toEqual([slot, slot]);
    expect(filled.fresh(key, 6)).toEqual([slot, key]);
  }
  expect(filled.index.size).toBe(100);
});
