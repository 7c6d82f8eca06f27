import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyPart } from '../../core/key.ts';
import { ClockPolicy } from '../../policies/clock.ts';
import { entryOverhead, entryWeight } from './entry-weight.ts';
import type { NearEntry } from './near-entry.ts';
import { NearTier } from './near-tier.ts';

const indexes = fc.nat(2);
const keys: fc.Arbitrary<KeyPart> = fc.oneof(fc.nat(30), fc.nat(30).map(String), fc.nat(9).map(BigInt));
const steps = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        act: fc.constant('put' as const),
        index: indexes,
        key: keys,
        bytes: fc.oneof(fc.nat(600), fc.nat(9000)),
      }),
    },
    { weight: 6, arbitrary: fc.record({ act: fc.constant('get' as const), index: indexes, key: keys }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('look' as const), index: indexes, key: keys }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('delete' as const), index: indexes, key: keys }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('clear' as const), index: indexes }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('turn' as const) }) },
  ),
  { maxLength: 400, size: 'max' },
);

describe('against a naive model', () => {
  test.each([
    ['swept by new entries', false],
    ['swept in the background', true],
  ])('%s', (_, background) => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1000, max: 12_000 }), (script, maxBytes) => {
        const evicted: NearEntry[] = [];
        const deferred: (() => void)[] = [];
        const tier = new NearTier({
          maxBytes,
          onEvict: (entry) => evicted.push(entry),
          ...(background ? { defer: (callback: () => void) => deferred.push(callback) } : {}),
        });
        const parts = [0, 1, 2].map((number) => tier.index(String(number)));
        const models = parts.map(() => new Map<KeyPart, NearEntry>());
        const dead = new Set<NearEntry>();
        let value = 0;
        let mostResident = 0;
        for (const step of script) {
          const index = 'index' in step ? parts[step.index]! : parts[0]!;
          const model = 'index' in step ? models[step.index]! : models[0]!;
          if (step.act === 'put') {
            const old = model.get(step.key);
            const entry = index.put(step.key, ++value, step.bytes);
            model.delete(step.key);
            if (old !== undefined) expect(old.slot).toBe(-1);
            const weight = entryWeight(step.key, step.bytes);
            if (weight > maxBytes) expect(entry).toBeUndefined();
            if (entry !== undefined) {
              expect(entry).toMatchObject({ index, key: step.key, value, weight, copied: false, hits: 0 });
              expect(entry.generation).toBe(index.generation);
              model.set(step.key, entry);
            }
          } else if (step.act === 'get') {
            expect(index.get(step.key)).toBe(model.get(step.key));
          } else if (step.act === 'look') {
            expect(index.look(step.key)).toBe(model.get(step.key));
          } else if (step.act === 'delete') {
            const entry = model.get(step.key);
            expect(index.delete(step.key)).toBe(entry !== undefined);
            expect(entry?.slot ?? -1).toBe(-1);
            model.delete(step.key);
          } else if (step.act === 'clear') {
            const { generation } = index;
            index.clear();
            expect(index.generation).toBe(generation + 1);
            for (const entry of model.values()) dead.add(entry);
            model.clear();
          } else {
            for (const callback of deferred.splice(0)) callback();
            if (background) expect(tier.resident).toBe(tier.size);
          }
          for (const entry of evicted.splice(0)) {
            expect(entry.slot).toBe(-1);
            const at = models[parts.indexOf(entry.index)]!;
            // Either a newcomer that was not admitted, or one that was inside.
            if (at.get(entry.key) === entry) at.delete(entry.key);
            else expect(step).toMatchObject({ act: 'put', key: entry.key });
          }
          for (const entry of dead) if (entry.slot === -1) dead.delete(entry);
          const live = models.flatMap((each) => [...each.values()]);
          // One more while room is made: the newcomer.
          mostResident = Math.max(mostResident, live.length + dead.size);
          const slots = new Set([...live, ...dead].map((entry) => entry.slot));
          expect(slots.has(-1)).toBe(false);
          expect(slots.size).toBe(live.length + dead.size);
          expect(Math.max(...slots)).toBeLessThanOrEqual(mostResident);
          expect(tier.bytes).toBe([...live, ...dead].reduce((sum, entry) => sum + entry.weight, 0));
          expect(tier.bytes).toBeLessThanOrEqual(maxBytes);
          expect(tier.size).toBe(live.length);
          expect(tier.resident).toBe(live.length + dead.size);
          parts.forEach((part, number) => expect(part.size).toBe(models[number]!.size));
        }
      }),
      { numRuns: 150 },
    );
  });
});

test('1, "1", 1n and true are four keys; 0 and -0 are one', () => {
  const index = new NearTier({ maxBytes: 1e6 }).index('a');
  const four: readonly KeyPart[] = [1, '1', 1n, true];
  four.forEach((key, number) => index.put(key, number, 0));
  expect(four.map((key) => index.get(key)?.value)).toEqual([0, 1, 2, 3]);
  index.put(0, 'zero', 0);
  expect(index.get(-0)?.value).toBe('zero');
});

test('falsy values and undefined are values', () => {
  const index = new NearTier({ maxBytes: 1e6 }).index('a');
  for (const value of [undefined, null, 0, '', false]) {
    index.put('key', value, 0);
    expect(index.get('key')?.value).toBe(value);
  }
});

test('one budget for all indexes: a busy cache takes room from an idle one, a used entry stays', () => {
  const tier = new NearTier({ maxBytes: 100 * entryOverhead });
  const idle = tier.index('idle');
  const busy = tier.index('busy');
  for (let key = 0; key < 100; key++) idle.put(key, key, 0);
  expect(idle.size).toBe(100);
  for (let key = 0; key < 99; key++) {
    idle.get(7);
    busy.put(key, key, 0);
  }
  expect([idle.size, busy.size]).toEqual([1, 99]);
  expect(idle.look(7)?.value).toBe(7);
});

test('look does not count as use', () => {
  const tier = new NearTier({ maxBytes: 3 * entryOverhead });
  const index = tier.index('a');
  for (let key = 0; key < 3; key++) index.put(key, key, 0);
  index.look(0);
  index.get(1);
  index.put(3, 3, 0);
  expect([0, 1, 2, 3].map((key) => index.look(key)?.value)).toEqual([undefined, 1, 2, 3]);
});

test('a value that exceeds the budget alone is not kept, nor is the older one', () => {
  const tier = new NearTier({ maxBytes: 10_000 });
  const index = tier.index('a');
  index.put('big', 'small as yet', 100);
  index.put('other', 1, 100);
  expect(index.put('big', 'now too big', 10_000)).toBeUndefined();
  expect(index.get('big')).toBeUndefined();
  expect(tier.size).toBe(1);
});

test('room for a large value is made in portions: refused until there is enough, never above the budget', () => {
  const tier = new NearTier({ maxBytes: 20_000 * entryOverhead });
  const index = tier.index('a');
  for (let key = 0; key < 20_000; key++) index.put(key, key, 0);
  const large = 2500 * entryOverhead;
  const kept: boolean[] = [];
  while (kept.at(-1) !== true) {
    kept.push(index.put('large', 'value', large) !== undefined);
    expect(tier.bytes).toBeLessThanOrEqual(20_000 * entryOverhead);
  }
  expect(kept).toEqual([false, false, true]);
  expect(index.get('large')?.value).toBe('value');
});

test('cleared entries are swept before a live one is evicted, and by every new entry', () => {
  const evicted: KeyPart[] = [];
  const tier = new NearTier({
    maxBytes: 1000 * entryOverhead,
    onEvict: (entry) => void evicted.push(entry.key),
  });
  const cleared = tier.index('cleared');
  const other = tier.index('other');
  for (let key = 0; key < 400; key++) other.put(key, key, 0);
  for (let key = 0; key < 600; key++) cleared.put(key, key, 0);
  cleared.clear();
  expect([cleared.size, tier.size, tier.resident]).toEqual([0, 400, 1000]);
  expect(cleared.get(5)).toBeUndefined();
  other.put('large', 'value', 300 * entryOverhead);
  expect(tier.resident).toBeLessThanOrEqual(700);
  for (let key = 0; key < 20; key++) cleared.put(key, key, 0);
  expect([evicted.length, tier.resident, tier.size]).toEqual([0, 421, 421]);
});

test('in the background all that was cleared is swept, a portion per turn', () => {
  const turns: (() => void)[] = [];
  const tier = new NearTier({ maxBytes: 1e9, defer: (callback) => void turns.push(callback) });
  const index = tier.index('a');
  for (let key = 0; key < 5000; key++) index.put(key, key, 0);
  index.clear();
  index.clear();
  let ran = 0;
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    turn();
    ran++;
  }
  expect([tier.resident, tier.bytes]).toEqual([0, 0]);
  expect(ran).toBe(5);
  index.put(1, 1, 0);
  index.clear();
  expect(turns).toHaveLength(1);
});

test('a long key weighs what it takes', () => {
  expect(entryWeight('x'.repeat(1000), 50)).toBe(entryOverhead + 16 + 1000 + 50);
  expect(entryWeight(7, 50)).toBe(entryOverhead + 50);
});

test('after close nothing is found, kept or counted', () => {
  const tier = new NearTier({ maxBytes: 1e6 });
  const index = tier.index('a');
  const entry = index.put(1, 'value', 10)!;
  tier.close();
  expect([index.get(1), index.put(2, 'value', 10), tier.index('b').put(1, 1, 1)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect([tier.bytes, tier.size, tier.resident, index.size]).toEqual([0, 0, 0, 0]);
  expect(entry.value).toBe('value');
  tier.close();
});

test('times are kept as whole milliseconds that promise no more than was said', () => {
  const entry = new NearTier({ maxBytes: 1e6 }).index('a').put(1, 'value', 10)!;
  expect(entry.until).toBe(0);
  entry.until = 1000.9;
  entry.freshUntil = 2000.9;
  entry.staleUntil = 2 ** 31 + 0.5;
  entry.loadMilliseconds = 0.2;
  expect([entry.until, entry.freshUntil, entry.staleUntil, entry.loadMilliseconds]).toEqual([
    1000,
    2000,
    2 ** 31,
    1,
  ]);
});

test('a policy may refuse the newcomer', () => {
  class LastIn extends ClockPolicy {
    #last = -1;
    override insert(slot: number): void {
      super.insert(slot);
      this.#last = slot;
    }
    override victim(): number {
      return this.#last;
    }
  }
  const tier = new NearTier({ maxBytes: 2 * entryOverhead, policy: () => new LastIn() });
  const index = tier.index('a');
  expect([1, 2, 3].map((key) => index.put(key, key, 0)?.value)).toEqual([1, 2, undefined]);
  expect([index.size, tier.bytes]).toEqual([2, 2 * entryOverhead]);
});
