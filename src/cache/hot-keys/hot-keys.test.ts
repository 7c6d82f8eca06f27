import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, test } from 'vitest';
import { hotKeySet } from '../../core/hot-key-set.ts';
import type { KeyPart } from '../../core/key.ts';
import { type FakeRuntime, fakeRuntime } from '../../testing/fake-runtime.ts';
import { seededRandom } from '../../testing/seeded-random.ts';
import type { HotCache } from './hot-cache.ts';
import { HotKeys } from './hot-keys.ts';
import { checkedHotKeys, type HotKeysOptions } from './hot-keys-options.ts';

const told: { readonly kind: string; readonly message: { readonly cache: string; readonly key: KeyPart } }[] =
  [];
const listener = (message: unknown, name: string | symbol): void =>
  void told.push({ kind: String(name), message: message as never });
for (const kind of ['cistern:hot-key-found', 'cistern:hot-key-gone']) subscribe(kind, listener);
afterEach(() => void told.splice(0));

interface World {
  readonly runtime: FakeRuntime;
  readonly hotKeys: HotKeys;
  readonly cache: HotCache;
}

function world(options: HotKeysOptions = {}, sampled = false): World {
  const runtime = fakeRuntime({ seed: 3 });
  const hotKeys = new HotKeys(checkedHotKeys(options)!, options.split, runtime);
  const cache = hotKeys.cache({
    name: 'user',
    sampled,
    kept: !sampled,
    callersKey: (key) => key,
    nameOf: (key) => `shop:user:${key}`,
  })!;
  return { runtime, hotKeys, cache };
}

/** Requests by chance, on average so many per second. Sampled ones are near hits, of which the cache says which to count. */
async function ask(
  { runtime, cache }: World,
  rates: Readonly<Record<string, number>>,
  seconds: number,
  sampled = false,
): Promise<void> {
  const random = seededRandom(11);
  let hits = 0;
  let next = 1;
  for (let turn = 0; turn < seconds * 50; turn++) {
    for (const [key, rate] of Object.entries(rates))
      for (let chance = rate / 50; chance > 0;) {
        // As many as a Poisson process has in 20 ms.
        chance += Math.log(1 - random());
        if (chance <= 0) break;
        if (!sampled) cache.request(key);
        else if (++hits >= next) next = hits + cache.hit(key);
      }
    await runtime.advance(20);
  }
}

const kinds = (): string[] => told.map(({ kind }) => kind.slice('cistern:hot-key-'.length));

describe('a hot key', () => {
  test('is found when it is asked for more often than the rate, the sooner the hotter it is', async () => {
    for (const [rate, atMost] of [
      [200, 2400],
      [1000, 400],
      [10_000, 60],
    ] as const) {
      const all = world();
      const began = all.runtime.clock.read();
      while (!all.cache.keys.has('a') && all.runtime.clock.read() - began < 10_000)
        await ask(all, { a: rate, b: 20 }, 0.02);
      expect(all.runtime.clock.read() - began, `${rate} per second`).toBeLessThanOrEqual(atMost);
      expect(all.cache.keys).toEqual(new Set(['a']));
    }
  });

  test('that is below the rate is not found in ten minutes', async () => {
    const all = world();
    await ask(all, { a: 75, b: 20, c: 3 }, 600);
    expect(told).toEqual([]);
  });

  for (const sampled of [false, true])
    test(`stays hot at the threshold: hysteresis${sampled ? ', also where one of 16 is counted' : ''}`, async () => {
      const all = world({}, sampled);
      await ask(all, { a: 200 }, 6, sampled);
      expect(kinds()).toEqual(['found']);
      await ask(all, { a: 100 }, 300, sampled);
      await ask(all, { a: sampled ? 90 : 65 }, 300, sampled);
      expect(kinds()).toEqual(['found']);
      await ask(all, { a: 30 }, 10, sampled);
      expect(kinds()).toEqual(['found', 'gone']);
    });

  test('cools down when nobody asks any more, without anybody asking for anything', async () => {
    const all = world();
    await ask(all, { a: 1000 }, 5);
    expect(all.hotKeys.statistics()).toMatchObject([{ cache: 'user', key: 'a' }]);
    const { perSecond, milliseconds } = all.hotKeys.statistics()[0]!;
    expect(perSecond).toBeGreaterThan(750);
    expect(perSecond).toBeLessThan(1250);
    expect(milliseconds).toBeGreaterThan(4500);
    await all.runtime.advance(12_000);
    expect(kinds()).toEqual(['found', 'gone']);
    expect(all.hotKeys.statistics()).toEqual([]);
    expect(all.runtime.timers).toBe(0);
  });

  test('is another one in another cache, and as another type', async () => {
    const all = world();
    const other = all.hotKeys.cache({
      name: 'order',
      sampled: false,
      kept: true,
      callersKey: (key) => key,
      nameOf: () => undefined,
    })!;
    for (let request = 0; request < 1000; request++) {
      all.cache.request(7);
      if (request % 10 === 0) other.request(7);
      if (request % 10 === 0) all.cache.request('7');
    }
    expect([...all.cache.keys]).toEqual([7]);
    expect([...other.keys]).toEqual([]);
  });

  test('of a cache that is not in the list is not looked for', () => {
    const { hotKeys } = world({ caches: ['user'] });
    const parts = { sampled: false, kept: true, callersKey: (key: KeyPart) => key, nameOf: () => undefined };
    expect(hotKeys.cache({ name: 'order', ...parts })).toBeUndefined();
    expect(hotKeys.cache({ name: 'user', ...parts })).toBeDefined();
  });
});

describe('many hot keys', () => {
  test('are no more than allowed: the hottest, and they do not push each other out all the time', async () => {
    const all = world({ most: 10, above: 20 });
    const rates = Object.fromEntries(
      Array.from({ length: 40 }, (_, rank) => [`k${rank}`, 2000 / (rank + 1)]),
    );
    await ask(all, rates, 20);
    const settled = told.length;
    await ask(all, rates, 60);
    const ranks = [...all.cache.keys].map((key) => Number(String(key).slice(1)));
    expect(ranks.length).toBe(10);
    // Those that are nearly as hot may stand in for each other.
    expect(Math.max(...ranks)).toBeLessThan(13);
    expect(all.hotKeys.statistics().map(({ perSecond }) => perSecond)).toEqual(
      all.hotKeys
        .statistics()
        .map(({ perSecond }) => perSecond)
        .toSorted((one, other) => other - one),
    );
    expect(told.length - settled).toBeLessThan(6);
  });

  test('that are all alike do not take turns', async () => {
    const all = world({ most: 10, above: 50 });
    const rates = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, 100]));
    await ask(all, rates, 10);
    const settled = told.length;
    await ask(all, rates, 60);
    expect(all.cache.keys.size).toBe(10);
    expect(told.length - settled).toBeLessThan(4);
  });

  test('take no more memory than was taken at the beginning, and make room for hotter ones', async () => {
    const split = hotKeySet();
    const all = world({ most: 50, above: 10, split });
    const random = seededRandom(5);
    for (let round = 0; round < 200; round++) {
      for (let key = 0; key < 200; key++)
        for (let request = 0; request < 60; request++) all.cache.request(`${round} ${key} ${random() < 0.5}`);
      await all.runtime.advance(100);
      expect(all.cache.keys.size).toBeLessThanOrEqual(50);
      expect(split.size).toBeLessThanOrEqual(50);
    }
    await ask(all, { a: 5000 }, 5);
    expect(all.cache.keys.has('a')).toBe(true);
  });

  test('a flood of keys that come once finds none, and hides none', async () => {
    const all = world();
    let flood = 0;
    for (let turn = 0; turn < 300; turn++) {
      // 300,000 per second, all new: each takes over a counter that has counted more than a hot key needs.
      for (let key = 0; key < 6000; key++) all.cache.request(flood++);
      for (let request = 0; request < 4; request++) all.cache.request('a');
      await all.runtime.advance(20);
    }
    expect([...all.cache.keys]).toEqual(['a']);
  });
});

describe('the set of a route', () => {
  test('has the names of hot keys as long as they are hot, and those of now', async () => {
    const split = hotKeySet();
    const all = world({ split });
    let generation = 1;
    const cache = all.hotKeys.cache({
      name: 'order',
      sampled: false,
      kept: false,
      callersKey: (key) => key,
      nameOf: (key) => (generation === 0 ? undefined : `shop:order:${generation}:${key}`),
    })!;
    await ask({ ...all, cache }, { a: 1000 }, 2);
    expect(split.has('shop:order:1:a')).toBe(true);
    generation = 2;
    await ask({ ...all, cache }, { a: 1000 }, 2);
    expect([split.has('shop:order:1:a'), split.has('shop:order:2:a'), split.size]).toEqual([false, true, 1]);
    generation = 0;
    await ask({ ...all, cache }, { a: 1000 }, 2);
    expect(split.size).toBe(0);
    generation = 3;
    await ask({ ...all, cache }, { a: 1000 }, 2);
    expect(split.has('shop:order:3:a')).toBe(true);
    await all.runtime.advance(20_000);
    expect(split.size).toBe(0);
  });

  test('is empty again when the caches are closed', async () => {
    const split = hotKeySet();
    const all = world({ split });
    await ask(all, { a: 1000 }, 2);
    expect(split.size).toBe(1);
    all.hotKeys.close();
    expect(split.size).toBe(0);
    expect(all.runtime.timers).toBe(0);
    await all.runtime.advance(5000);
  });
});

test('options have their ranges', () => {
  const wrong: readonly unknown[] = [
    1,
    null,
    { above: 0 },
    { above: Number.NaN },
    { above: 2_000_000 },
    { nearTtl: -1 },
    { nearTtl: '2m' },
    { most: 0 },
    { most: 10_001 },
    { most: 1.5 },
    { caches: 'user' },
    { caches: ['a b'] },
    { split: {} },
    { unknown: 1 },
  ];
  for (const each of wrong)
    expect(() => checkedHotKeys(each as HotKeysOptions), JSON.stringify(each)).toThrow(
      expect.objectContaining({ code: 'CISTERN_OPTION' }),
    );
  expect(checkedHotKeys({})).toEqual({
    above: 100,
    caches: undefined,
    nearTtl: 1000,
    most: 100,
    split: false,
  });
  expect(checkedHotKeys(undefined)).toBeUndefined();
  unsubscribe('cistern:hot-key-found', listener);
  unsubscribe('cistern:hot-key-gone', listener);
});
