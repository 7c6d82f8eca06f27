import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { makePolicy, policyNames } from '../../policies/policy-by-name.ts';
import { EntrySlab, flags } from './entry-slab.ts';
import { HashIndex } from './hash-index.ts';
import { HashTable } from './hash-table.ts';
import { keyHash, sampleHash } from './key-hash.ts';
import { LiveCurve } from './live-curve.ts';
import { NearIndex } from './near-index.ts';
import { NearRoom } from './near-room.ts';
import { ChainTable } from './chain-table.ts';
import type { SlotTable } from './slot-table.ts';

/** Tables that may be full to this share; 0: those of the default. */
const makeTable =
  (share: number) =>
  (slab: EntrySlab): SlotTable =>
    share === 0 ? new ChainTable(slab) : new HashTable(slab, share);

/** An index with its slab. */
class Filled {
  readonly slab = new EntrySlab();
  readonly index: HashIndex;

  constructor(seed: number, share: number) {
    this.index = new HashIndex(this.slab, seed, makeTable(share));
  }

  /** Adds a key if it is not there. Its slot. */
  put(key: KeyPart): number {
    const found = this.index.find(key);
    if (found >= 0) return found;
    const slot = this.slab.take(key, this.index.hash(), undefined, 1, 1);
    this.index.add(slot);
    return slot;
  }

  remove(slot: number): void {
    this.index.remove(slot, this.slab.hashOf(slot));
    this.slab.free(slot);
  }

  /** Keys that went into the second table. */
  get crowded(): number {
    let crowded = 0;
    for (let slot = 0; slot < this.slab.end; slot++) if (this.slab.has(slot, flags.crowded)) crowded++;
    return crowded;
  }
}

/** All alike in length and in the characters that a sample takes. */
const alike = (number: number): string => `user:${String(number).padStart(6, '0')}${'x'.repeat(40)}`;

test('the key that was just not found is known to be missing until one is added; what is no key has a hash of its own', () => {
  const filled = new Filled(3, 0);
  expect(filled.index.find('absent')).toBe(-1);
  const hash = filled.index.hash();
  expect(filled.index.find(undefined as never)).toBe(-1);
  expect(filled.index.hash()).not.toBe(hash);
  const other = new Filled(3, 0);
  expect([other.index.find(undefined as never), other.index.hash()]).toEqual([-1, filled.index.hash()]);
  expect(filled.index.find('absent')).toBe(-1);
  expect(filled.index.find('absent')).toBe(-1);
  const slot = filled.put('absent');
  expect(filled.index.find('absent')).toBe(slot);
  filled.remove(slot);
  expect(filled.index.find('absent')).toBe(-1);
  filled.index.clear();
  expect(filled.index.find('absent')).toBe(-1);
});

test('behaves like a Map, with keys that a sample of characters does not tell apart among others', () => {
  const key = fc.oneof(fc.nat(30).map(alike), fc.nat(30).map(alike), fc.nat(9), fc.nat(9).map(String));
  const steps = fc.array(fc.tuple(fc.boolean(), key), { maxLength: 400, size: 'max' });
  fc.assert(
    fc.property(steps, fc.integer(), (script, seed) => {
      const filled = new Filled(seed, 0.75);
      const { slab, index } = filled;
      const model = new Map<KeyPart, number>();
      for (const [add, each] of script) {
        const slot = model.get(each);
        expect(index.find(each)).toBe(slot ?? -1);
        if (add) model.set(each, filled.put(each));
        else if (slot !== undefined) {
          filled.remove(slot);
          model.delete(each);
        }
        expect(index.size).toBe(model.size);
      }
      for (const [each, slot] of model) {
        expect(index.find(each)).toBe(slot);
        expect(slab.keyOf(slot)).toBe(each);
      }
      index.clear();
      expect(index.size).toBe(0);
      for (const each of model.keys()) expect(index.find(each)).toBe(-1);
    }),
  );
});

const count = 200_000;
/** Whether a sample of the characters tells them apart. */
const families: readonly (readonly [string, boolean, (index: number) => KeyPart])[] = [
  ['integers', true, (index) => index],
  ['integers with a stride', true, (index) => index * 1024],
  ['large integers', true, (index) => 2 ** 40 + index * 4096],
  ['fractions', true, (index) => index + 0.25],
  ['bigints', true, (index) => BigInt(index) << 64n],
  ['texts that end in a number', true, (index) => `user:${index}`],
  ['hexadecimal ids', true, (index) => `session/${(index * 2654435761).toString(16).padStart(16, '0')}`],
  ['short texts', true, (index) => index.toString(36)],
  ['texts with a number inside', false, (index) => `tenant:${index}:settings:of:the:tenant:theme`],
  [
    'addresses',
    false,
    (index) => `https://example.org/products/${index}/reviews?page=${index % 10}&sort=newest`,
  ],
  ['times', false, (index) => new Date(index * 1000).toISOString()],
];

/** The longest way allowed, by how full a table is: a good hash has half of it. */
const longest: readonly (readonly [number, number])[] = [
  [0, 64],
  [0.5, 24],
  [0.85, 64],
];

describe.each(longest)('full to %d', (share, way) => {
  test.each(families)('no look-up is long among 200,000 keys: %s', (_, sampled, key) => {
    const filled = new Filled(12_345, share);
    for (let number = 0; number < count; number++) filled.put(key(number));
    expect(filled.index.size).toBe(count);
    expect(filled.index.longestWay()).toBeLessThanOrEqual(way);
    // Chance alone makes no key pay for a second hash.
    if (sampled) expect(filled.crowded).toBe(0);
  });

  test('50,000 texts that agree in all characters that a sample takes lengthen nothing', () => {
    const filled = new Filled(12_345, share);
    for (let number = 0; number < 50_000; number++) filled.put(alike(number));
    expect(filled.crowded).toBe(50_000 - 4);
    expect(filled.index.longestWay()).toBeLessThanOrEqual(way);
    for (let number = 0; number < 50_000; number += 7)
      expect(filled.slab.keyOf(filled.put(alike(number)))).toBe(alike(number));
  });
});

test.each([0, 0.5])(
  'keys that are chosen for one seed make a long way there, and an ordinary one with another seed (%d)',
  (share) => {
    const chosen = (hash: typeof sampleHash, key: (number: number) => KeyPart): KeyPart[] => {
      const keys: KeyPart[] = [];
      for (let number = 0; keys.length < 200; number++) {
        const each = key(number);
        const bits = share === 0 ? hash(each, 5) >>> 16 : hash(each, 5) & 0xffff;
        if (bits < 16) keys.push(each);
      }
      return keys;
    };
    for (const keys of [
      chosen(sampleHash, (number) => number),
      chosen(sampleHash, (number) => `user:${number}`),
      chosen(sampleHash, (number) => number + 0.5),
      chosen(keyHash, (number) => alike(number)),
    ]) {
      const [same, other] = [5, 6].map((seed) => {
        const filled = new Filled(seed, share);
        for (const key of keys) filled.put(key);
        return filled.index.longestWay();
      });
      expect(same).toBeGreaterThan(100);
      expect(other).toBeLessThanOrEqual(share === 0 ? 40 : 24);
    }
  },
);

describe('who stays is not chosen by the bits of the hash that a table uses', () => {
  const capacity = 20_000;
  const life = { until: 1e9, freshUntil: 1e9, confirmedUntil: 1e9, staleUntil: 1e9, loadedAt: 0 };

  /** The mean distance from home of these slots, in a table of their own. */
  function meanDistance(slab: EntrySlab, slots: readonly number[]): number {
    const table = new HashTable(slab, 0.5);
    for (const slot of slots) table.add(slot, slab.hashOf(slot));
    let sum = 0;
    for (const { distance } of table.taken()) sum += distance;
    return sum / slots.length;
  }

  /** How unevenly hashes are spread over 256 parts by eight of their bits: 1 for chance. */
  function unevenness(hashes: readonly number[], shift: number): number {
    const parts = new Float64Array(256);
    for (const hash of hashes) parts[(hash >>> shift) & 255]!++;
    const mean = hashes.length / 256;
    return parts.reduce((sum, part) => sum + (part - mean) ** 2 / mean, 0) / 255;
  }

  test.each(policyNames)('%s', (policy) => {
    const room = new NearRoom({
      maxBytes: Number.MAX_SAFE_INTEGER,
      maxEntries: capacity,
      defer: undefined,
      policy: (slab) => makePolicy(policy, { capacity, seed: 5, hashOf: (slot) => slab.hashOf(slot) }),
    });
    const { slab } = room;
    const keys = new HashIndex(slab, 5, makeTable(0));
    const curve = new LiveCurve(false, room);
    const index = new NearIndex({ name: 'a', room, keys, weight: () => 1, curve, removed: undefined });
    // One that is asked for now and then among three that never come back.
    for (let number = 0; number < 300_000; number++) {
      const key = number % 4 === 0 ? `user:${(number * 7919) % 30_000}` : `once:${number}`;
      if (index.get(key) < 0) index.put(key, number, 0, { ...life, negative: false, copied: false }, 0);
    }
    const slots = Array.from({ length: slab.end }, (_, slot) => slot).filter(
      (slot) => slab.ownerOf(slot) > 0,
    );
    expect(slots).toHaveLength(capacity);
    expect(keys.longestWay()).toBeLessThanOrEqual(40);
    const fresh = new Filled(6, 0.5);
    const others = Array.from({ length: capacity }, (_, number) => fresh.put(`other:${number}`));
    const usual = meanDistance(fresh.slab, others);
    expect(meanDistance(slab, slots)).toBeLessThan(usual * 1.1);
    const hashes = slots.map((slot) => slab.hashOf(slot));
    for (let shift = 0; shift <= 24; shift += 4) expect(unevenness(hashes, shift)).toBeLessThan(1.5);
  });
});
