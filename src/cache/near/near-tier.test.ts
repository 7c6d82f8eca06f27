import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NearModel, type Step } from '../../../test/near/near-model.ts';
import type { KeyPart } from '../../core/key.ts';
import { policyNames } from '../../policies/policy-by-name.ts';
import { seededRandom } from '../../testing/seeded-random.ts';
import { keptWeight } from './entry-slab.ts';
import { entryOverhead } from './entry-weight.ts';
import type { NearIndex } from './near-index.ts';
import { type EntryNature, NearTier, type NearTierOptions } from './near-tier.ts';

const keys: fc.Arbitrary<KeyPart> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(9) },
  fc.nat(9).map(String),
  fc.nat(3).map(BigInt),
  fc.boolean(),
  // All the same to an index that samples characters.
  {
    weight: 2,
    arbitrary: fc.nat(12).map((number) => `${String.fromCharCode(97 + number)}${'x'.repeat(40)}`),
  },
  fc.constantFrom(0, -0, 1, '1', 1n, true, 0.5, -0.5, 1e300, 2 ** 31, -(2 ** 31), 2n ** 64n, -(2n ** 64n)),
  fc.constantFrom('', 'é', '\ud800', '\udc00', '\ud800\udc00', 'x'.repeat(3000), `${'x'.repeat(2999)}y`),
);

const index = fc.nat(2);
const act = <A extends string>(name: A): fc.Arbitrary<A> => fc.constant(name);
const spans = fc.tuple(fc.nat(2000), fc.nat(2000), fc.nat(500));

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        act: act('put'),
        index,
        key: keys,
        bytes: fc.oneof(fc.nat(600), fc.nat(9000)),
        spans,
        negative: fc.boolean(),
        copied: fc.boolean(),
      }),
    },
    { weight: 12, arbitrary: fc.record({ act: act('get'), index, key: keys }) },
    { weight: 3, arbitrary: fc.record({ act: act('look'), index, key: keys }) },
    { weight: 8, arbitrary: fc.record({ act: act('offer'), index, key: keys }) },
    { weight: 1, arbitrary: fc.record({ act: act('recall'), index, key: keys }) },
    { weight: 4, arbitrary: fc.record({ act: act('delete'), index, key: keys }) },
    { weight: 2, arbitrary: fc.record({ act: act('clear'), index }) },
    { weight: 2, arbitrary: fc.record({ act: act('turn') }) },
    { weight: 2, arbitrary: fc.record({ act: act('wait'), milliseconds: fc.nat(800) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        act: act('resize'),
        maxBytes: fc.integer({ min: 400, max: 16_000 }),
        maxEntries: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      }),
    },
  ),
  { maxLength: 300, size: 'max' },
);

/** Half of the tiers count entries, half of them bytes alone. */
const limits = fc.record({
  maxBytes: fc.integer({ min: 400, max: 16_000 }),
  maxEntries: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  background: fc.boolean(),
  seed: fc.integer(),
});

describe.each(['hash', 'map'] as const)('with the index "%s", against a naive model', (indexName) => {
  test.each(policyNames)('%s', (policy) => {
    fc.assert(
      fc.property(steps, limits, (script, options) => {
        const model = new NearModel({ policy, index: indexName, ...options });
        for (const step of script) model.take(step);
        model.close();
      }),
      { numRuns: 150 },
    );
  });
});

const nature: EntryNature = {
  negative: false,
  copied: false,
  until: 1e9,
  freshUntil: 1e9,
  confirmedUntil: Number.POSITIVE_INFINITY,
  staleUntil: 1e9,
  loadedAt: 0,
};

describe.each(['hash', 'map'] as const)('with the index "%s"', (indexName) => {
  const policy = 'lru';
  const overhead = keptWeight(entryOverhead(policy, indexName));
  /** A tier for so many entries without value whose keys are small integers. */
  const tierOf = (entries: number, options: Partial<NearTierOptions> = {}): NearTier =>
    new NearTier({ policy, index: indexName, maxBytes: entries * overhead, seed: 1, ...options });
  const fill = (index: NearIndex, keys: number, from = 0): void => {
    for (let key = from; key < from + keys; key++) index.put(key, key, 0, nature, 0);
  };
  const valueOf = (index: NearIndex, key: KeyPart): unknown => {
    const slot = index.look(key);
    return slot < 0 ? 'none' : index.slab.valueOf(slot);
  };

  test('1, "1", 1n and true are four keys; 0 and -0 are one', () => {
    const index = tierOf(100).index('a');
    const four: readonly KeyPart[] = [1, '1', 1n, true];
    for (const [number, key] of four.entries()) index.put(key, number, 0, nature, 0);
    expect(four.map((key) => valueOf(index, key))).toEqual([0, 1, 2, 3]);
    index.put(0, 'zero', 0, nature, 0);
    expect([valueOf(index, -0), index.size]).toEqual(['zero', 5]);
  });

  test('what is no key is not found, and does no harm', () => {
    const index = tierOf(100).index('a');
    fill(index, 20);
    index.put(Number.NaN, 'value', 0, nature, 0);
    for (const key of [undefined, null, Number.POSITIVE_INFINITY, Symbol('a'), {}])
      expect(index.get(key as never)).toBe(-1);
    expect(valueOf(index, 7)).toBe(7);
  });

  test('undefined, null, 0, the empty text and false are values', () => {
    const index = tierOf(100).index('a');
    for (const value of [undefined, null, 0, '', false]) {
      index.put('key', value, 0, nature, 0);
      expect(valueOf(index, 'key')).toBe(value);
    }
  });

  test('one budget for all indexes: a busy cache takes room from an idle one, what is used stays', () => {
    const tier = tierOf(100);
    const [idle, busy] = [tier.index('idle'), tier.index('busy')];
    fill(idle, 100);
    for (let key = 0; key < 99; key++) {
      idle.get(7);
      busy.put(key, key, 0, nature, 0);
    }
    expect([idle.size, busy.size, valueOf(idle, 7)]).toEqual([1, 99, 7]);
    expect([idle.removals.evicted, busy.removals.evicted]).toEqual([99, 0]);
  });

  test('a look does not count as use', () => {
    const index = tierOf(3).index('a');
    fill(index, 3);
    index.look(0);
    index.get(1);
    fill(index, 1, 3);
    expect([0, 1, 2, 3].map((key) => valueOf(index, key))).toEqual(['none', 1, 2, 3]);
  });

  test('a value that exceeds the budget alone is not kept, nor is the older one, and nobody else has to go', () => {
    for (const maxEntries of [Number.POSITIVE_INFINITY, 50]) {
      const tier = new NearTier({ maxBytes: 10_001, maxEntries, policy, index: indexName });
      const index = tier.index('a');
      index.put('big', 'small as yet', 100, nature, 0);
      fill(index, 3);
      // The last one would fit, were weights not rounded up.
      for (const bytes of [1e9, 10_000, 10_001 - overhead - 24]) {
        expect(index.put('big', 'too big', bytes, nature, 0)).toBe(-1);
        expect([index.get('big'), tier.size]).toEqual([-1, 3]);
      }
      expect(index.removals).toEqual({ evicted: 1, expired: 0, invalidated: 0, replaced: 0 });
    }
  });

  test('a kept promise goes with its value, however that leaves', () => {
    const tier = tierOf(3);
    const [index, other] = [tier.index('a'), tier.index('b')];
    const promise = Promise.resolve('value');
    const leave: readonly (() => unknown)[] = [
      () => index.put(1, 'another', 0, nature, 0),
      () => index.delete(1),
      () => fill(other, 3),
      () => index.clear(),
      () => index.put(1, 'too big', 1e9, nature, 0),
    ];
    for (const each of leave) {
      const slot = index.put(1, 'value', 0, nature, 0);
      for (let time = 0; time < 2; time++) index.offer(slot, promise);
      expect(index.promise(slot)).toBe(promise);
      each();
      // Whoever has the slot now.
      const next = index.put(1, 'another', 0, nature, 0);
      expect(index.promise(next)).toBeUndefined();
      fill(other, 2);
      for (let at = 0; at < tier.slots; at++)
        if (tier.indexAt(at) !== undefined) expect(index.promise(at)).toBeUndefined();
    }
  });

  test('room for a large value is made in portions: refused until there is enough, never above the budget', () => {
    const tier = tierOf(20_000);
    const index = tier.index('a');
    fill(index, 20_000);
    const kept: boolean[] = [];
    while (kept.at(-1) !== true) {
      kept.push(index.put('large', 'value', 2500 * overhead, nature, 0) >= 0);
      expect(tier.bytes).toBeLessThanOrEqual(tier.maxBytes);
    }
    expect(kept).toEqual([false, false, true]);
    expect(valueOf(index, 'large')).toBe('value');
  });

  test('cleared entries are swept before a live one is evicted, and by every new entry', () => {
    const tier = tierOf(1000);
    const [cleared, other] = [tier.index('cleared'), tier.index('other')];
    fill(other, 400);
    fill(cleared, 600);
    cleared.clear();
    expect([cleared.size, tier.size, cleared.get(5)]).toEqual([0, 400, -1]);
    expect(tier.resident).toBeGreaterThan(990);
    other.put('large', 'value', 300 * overhead, nature, 0);
    expect(tier.resident).toBeLessThanOrEqual(700);
    fill(cleared, 30);
    expect([other.removals.evicted, tier.resident, tier.size]).toEqual([0, 431, 431]);
  });

  test('in the background all that was cleared is swept, a portion per turn', () => {
    const turns: (() => void)[] = [];
    const tier = tierOf(1e6, { defer: (callback) => void turns.push(callback) });
    const index = tier.index('a');
    fill(index, 10_000);
    index.clear();
    index.clear();
    let ran = 0;
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      turn();
      ran++;
      expect(tier.resident).toBeGreaterThanOrEqual(10_000 - 5000 * ran);
    }
    expect([tier.resident, tier.bytes, index.removals.invalidated]).toEqual([0, 0, 10_000]);
    expect(ran).toBeLessThan(5);
    fill(index, 1);
    index.clear();
    expect(turns).toHaveLength(1);
  });

  test('what has expired is swept by new entries, a few slots each, and by nothing else', () => {
    const told: unknown[] = [];
    const tier = tierOf(3100, { removed: (...all) => told.push(all) });
    const index = tier.index('a');
    const short = { ...nature, until: 100, freshUntil: 150, staleUntil: 200 };
    for (let key = 0; key < 1000; key++) index.put(key, `value ${key}`, 0, short, 0);
    for (let key = 1000; key < 3000; key++) index.put(key, key, 0, nature, 199);
    expect(told).toEqual([]);
    for (let round = 0; round < 3100; round++) {
      if (round === 1500) expect(index.removals.expired).toBeGreaterThan(0);
      index.delete('key');
      index.put('key', 'value', 0, nature, 200);
    }
    expect([index.size, tier.resident, index.removals.expired]).toEqual([2001, 2001, 1000]);
    for (let key = 0; key < 1000; key++) expect(told).toContainEqual(['a', key, `value ${key}`, 'expired']);
  });

  test('clears in a row, far more than owners can be told apart: all are counted, swept and told, once each', () => {
    const told = new Map<unknown, number>();
    const turns: (() => void)[] = [];
    const tier = tierOf(1e6, {
      defer: (callback) => void turns.push(callback),
      removed: (_, __, value) => void told.set(value, (told.get(value) ?? 0) + 1),
    });
    const [index, other] = [tier.index('a'), tier.index('b')];
    // So many that new entries alone do not sweep them all before the owners run out.
    fill(other, 300_000);
    for (let round = 0; round < 10_000; round++) {
      index.put('key', `value ${round}`, 0, nature, 0);
      index.put('another', `other value ${round}`, 0, nature, 0);
      index.clear();
    }
    expect([index.size, index.removals.invalidated, other.size]).toEqual([0, 20_000, 300_000]);
    expect(index.put('key', 'last', 0, nature, 0)).toBeGreaterThanOrEqual(0);
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
    expect([told.size, Math.max(...told.values())]).toEqual([20_000, 1]);
    expect([tier.size, tier.resident, valueOf(index, 'key'), valueOf(other, 5)]).toEqual([
      300_001,
      300_001,
      'last',
      5,
    ]);
  });

  test.each(policyNames)('a tier that was made larger is as good as one that was made so: %s', (policy) => {
    const make = (maxBytes: number, maxEntries?: number): NearTier =>
      new NearTier({
        policy,
        index: indexName,
        seed: 1,
        maxBytes,
        ...(maxEntries !== undefined && { maxEntries }),
      });
    const hits = (tier: NearTier): number => {
      const index = tier.index('a');
      const random = seededRandom(1);
      let count = 0;
      for (let request = 0; request < 20_000; request++) {
        const key = Math.floor(random() ** 3 * 5000);
        if (index.get(key) >= 0) count++;
        else index.put(key, 1, 0, nature, 0);
      }
      return count;
    };
    const byBytes = make(10 * overhead);
    byBytes.resize(500 * overhead);
    expect(hits(byBytes)).toBe(hits(make(500 * overhead)));
    const byEntries = make(1e9, 10);
    byEntries.resize(1e9, 500);
    expect(hits(byEntries)).toBe(hits(make(1e9, 500)));
  });

  test('as many indexes as owners can be told apart; clear works in each; one more is refused', () => {
    const tier = tierOf(1e6);
    const indexes = Array.from({ length: 4095 }, (_, number) => tier.index(`index ${number}`));
    for (const index of indexes) fill(index, 2);
    for (const index of indexes.slice(0, 3000)) {
      index.clear();
      fill(index, 1);
    }
    expect([tier.size, valueOf(indexes[0]!, 0), valueOf(indexes[4094]!, 1)]).toEqual([3000 + 2 * 1095, 0, 1]);
    expect(() => tier.index('one more')).toThrow(expect.objectContaining({ code: 'CISTERN_OPTION' }));
  });

  test('a smaller tier lets go bit by bit in the background, or with each new entry; a larger one takes more at once', () => {
    for (const background of [true, false]) {
      const turns: (() => void)[] = [];
      const tier = tierOf(5000, background ? { defer: (callback) => void turns.push(callback) } : {});
      const index = tier.index('a');
      fill(index, 5000);
      tier.resize(500 * overhead);
      expect([tier.maxBytes, tier.size]).toEqual([500 * overhead, 5000]);
      for (let before = 5000; tier.bytes > tier.maxBytes; before = tier.size) {
        if (background) turns.shift()!();
        else index.put(-before, 'value', 0, nature, 0);
        expect(tier.size).toBeLessThan(before);
        expect(before - tier.size).toBeLessThanOrEqual(1100);
      }
      expect(tier.size).toBe(500);
      tier.resize(1000 * overhead, 700);
      fill(index, 1000, 10_000);
      expect([tier.size, tier.maxEntries]).toEqual([700, 700]);
    }
  });

  test('after close nothing is found, kept, counted, told or swept', () => {
    const told: unknown[] = [];
    const turns: (() => void)[] = [];
    const tier = tierOf(100, {
      defer: (callback) => void turns.push(callback),
      removed: (...all) => told.push(all),
    });
    const index = tier.index('a');
    fill(index, 10);
    index.clear();
    fill(index, 10);
    const promise = Promise.resolve(1);
    for (let time = 0; time < 2; time++) index.offer(index.look(1), promise);
    const before = told.length;
    tier.close();
    const late = tier.index('b');
    for (const each of [index, late]) {
      expect([
        each.get(1),
        each.look(1),
        each.put(2, 'value', 10, nature, 0),
        each.delete(1),
        each.size,
      ]).toEqual([-1, -1, -1, false, 0]);
      each.clear();
    }
    tier.resize(50 * overhead);
    for (const turn of turns) turn();
    tier.close();
    expect([tier.bytes, tier.size, tier.resident, tier.slots, told.length]).toEqual([0, 0, 0, 0, before]);
    expect([index.promise(0), tier.estimate()]).toEqual([undefined, undefined]);
  });
});
