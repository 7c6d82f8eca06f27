import { describe, expect, test } from 'vitest';
import { cistern, hotKeySet, memory } from '../../src/index.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { Fleet, Source, type Wire } from './fleet.ts';

/** Draws ranks from 0 by Zipf's law. */
function zipf(keys: number, exponent: number, random: () => number): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** A cache whose near tier is off, with hot keys, or without. */
function open(fleet: Fleet, hotKeys: object | undefined, define: object = {}) {
  const { shop, wire } = fleet.join(hotKeys === undefined ? {} : { hotKeys });
  const source = new Source();
  const items = shop.define('item', {
    load: async (id: number | string) => source.values.get(String(id)) ?? `value ${id}`,
    ttl: '1h',
    near: false,
    refreshAhead: 0,
    ...define,
  });
  return { shop, wire, source, items };
}

type Items = ReturnType<typeof open>['items'];

/** Asks so many times per millisecond for so many seconds. */
async function load(
  fleet: Fleet,
  items: Items,
  draw: () => number,
  each: number,
  seconds: number,
): Promise<void> {
  for (let time = 0; time < seconds * 1000; time++) {
    for (let request = 0; request < each; request++) void items.get(draw());
    await fleet.runtime.advance(1);
  }
}

const gets = (wire: Wire): number => wire.entries('get').length;

test('the 100 hottest keys of a Zipf load, kept for a second each, take at least a quarter of the remote requests away', async () => {
  const counted: number[] = [];
  for (const hotKeys of [undefined, { above: 4, most: 100 }]) {
    const fleet = new Fleet();
    const { shop, wire, items } = open(fleet, hotKeys);
    const draw = zipf(1_000_000, 0.99, seededRandom(7));
    // From a cold start; then what it comes to.
    await load(fleet, items, draw, 8, 2);
    wire.asked.length = 0;
    await load(fleet, items, draw, 8, 3);
    counted.push(gets(wire));
    if (hotKeys !== undefined) {
      const { hotKeys: hot } = shop.stats();
      expect(hot && hot.length).toBe(100);
      const ranks = hot ? hot.map(({ key }) => key as number) : [];
      // They are (nearly) the hottest, in their order.
      expect(ranks.filter((rank) => rank < 100).length).toBeGreaterThan(75);
      expect(ranks[0]).toBe(0);
    }
    await shop.close();
  }
  const [without, withHot] = counted as [number, number];
  const share = 1 - withHot / without;
  console.log(
    `Zipf(0.99), 8,000 gets/s of a million keys: ${without} remote gets without hot keys, ${withHot} with: ${(100 * share).toFixed(1)} % less`,
  );
  expect(without).toBeGreaterThan(0.9 * 3 * 8000);
  expect(share).toBeGreaterThanOrEqual(0.25);
});

test('of one hot key at least nine gets in ten are answered near, its finding included', async () => {
  const fleet = new Fleet();
  const { shop, wire, items } = open(fleet, {});
  const random = seededRandom(7);
  let asked = 0;
  for (let time = 0; time < 20_000; time++) {
    if (random() < 0.5) {
      asked++;
      void items.get('hot');
    }
    void items.get(time);
    await fleet.runtime.advance(1);
  }
  const remote = wire.entries('get').filter(({ key }) => key.endsWith("'hot")).length;
  const share = 1 - remote / asked;
  console.log(
    `one key, 500 gets/s for 20 s: ${asked} gets, ${remote} of them remote: ${(100 * share).toFixed(1)} % near`,
  );
  expect(share).toBeGreaterThanOrEqual(0.9);
  expect(shop.stats().hotKeys).toMatchObject([{ cache: 'item', key: 'hot' }]);
  expect(items.stats().near.entries).toBe(1);
});

describe('a hot key that is kept near where the near tier is off', () => {
  async function hot(options: object = {}) {
    const fleet = new Fleet();
    const [one, other] = [open(fleet, options), open(fleet, options)];
    for (const { source } of [one, other]) source.values.set('a', 'old');
    const heat = async (items: Items): Promise<void> => {
      for (let request = 0; request < 500; request++) await fleet.wait(items.get('a'));
      await fleet.runtime.advance(1001);
      await fleet.wait(items.get('a'));
    };
    await heat(one.items);
    await heat(other.items);
    const change = (): void => {
      for (const { source } of [one, other]) source.values.set('a', 'new');
    };
    return { fleet, one, other, change };
  }

  test('is answered without asking, others are not', async () => {
    const { fleet, one } = await hot();
    one.wire.frozen = true;
    expect(await fleet.wait(one.items.get('a'))).toBe('old');
    expect(one.items.peek('a')).toBe('old');
    expect(one.items.peek('b')).toBeUndefined();
    expect(one.items.stats().near.entries).toBe(1);
  });

  for (const way of ['delete', 'set', 'mutate', 'expire', 'clear', 'refresh'] as const)
    test(`${way} in this process reaches it at once, in other processes within nearTtl`, async () => {
      const { fleet, one, other, change } = await hot();
      change();
      const { items } = one;
      await fleet.wait<unknown>(
        way === 'clear'
          ? items.clear()
          : way === 'set'
            ? items.set('a', 'new')
            : way === 'mutate'
              ? items.mutate('a', () => undefined)
              : items[way]('a'),
      );
      expect(await fleet.wait(items.get('a'))).toBe('new');
      await fleet.runtime.advance(1001);
      expect(await fleet.wait(other.items.get('a'))).toBe('new');
    });

  test('nearTtl bounds it, and shop.configuration() says so', async () => {
    const { fleet, one, other, change } = await hot({ nearTtl: 300 });
    change();
    await fleet.wait(other.items.get('a'));
    await fleet.wait(one.items.delete('a'));
    expect(await fleet.wait(other.items.get('a'))).toBe('old');
    await fleet.runtime.advance(301);
    expect(await fleet.wait(other.items.get('a'))).toBe('new');
    const { caches, hotKeys } = one.shop.configuration();
    expect(caches['item']?.staleness.elsewhere).toBe(300);
    expect(hotKeys).toMatchObject({ nearTtl: 300, above: 100, most: 100, split: false });
  });

  test('goes when it has cooled down: the next read does not leave an older copy behind', async () => {
    const { fleet, one } = await hot();
    await fleet.runtime.advance(20_000);
    expect(one.shop.stats().hotKeys).toEqual([]);
    expect(await fleet.wait(one.items.get('a'))).toBe('old');
    expect(one.items.stats().near.entries).toBe(0);
  });

  test('is not in a snapshot', async () => {
    const { fleet, one } = await hot();
    expect(one.items.stats().near.entries).toBe(1);
    expect(await fleet.wait(one.shop.saveNear('/hot.near'))).toMatchObject({ saved: 0, skipped: 0 });
  });

  test('is not for caches that are not in the list, those without a remote tier, and with nearTtl 0', async () => {
    const fleet = new Fleet();
    for (const [hotKeys, define] of [
      [{ caches: ['other'] }, {}],
      [{}, { remote: false }],
      [{ nearTtl: 0 }, {}],
    ] as const) {
      const { items, shop } = open(fleet, hotKeys, define);
      for (let request = 0; request < 500; request++) await fleet.wait(items.get('a'));
      await fleet.wait(items.get('a'));
      expect(items.stats().near.entries).toBe(0);
      expect(items.peek('a')).toBeUndefined();
      const found = shop.stats().hotKeys;
      expect(found && found.length).toBe('caches' in hotKeys ? 0 : 1);
    }
  });
});

describe('hot keys', () => {
  test('are told, and named for a route, also where the near tier keeps them anyway', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const split = hotKeySet();
    const remote = memory({ runtime });
    const shop = cistern({ name: 'shop', runtime, remote, hotKeys: { above: 50, split } });
    const users = shop.define('user', {
      load: async ({ id }: { readonly id: number; readonly role: string }) => id,
      key: ({ id, role }) => [id, role],
      ttl: '5m',
    });
    for (let turn = 0; turn < 300; turn++) {
      for (let request = 0; request < 5; request++) await runtime.until(users.get({ id: 7, role: 'x y' }));
      await runtime.until(users.get({ id: turn, role: 'other' }));
      await runtime.advance(20);
    }
    const [found, ...rest] = shop.stats().hotKeys || [];
    expect(rest).toEqual([]);
    expect(found).toMatchObject({ cache: 'user', key: "7,'x%20y" });
    expect(found!.perSecond).toBeGreaterThan(150);
    expect(found!.perSecond).toBeLessThan(400);
    expect(split.size).toBe(1);
    await runtime.until(users.clear());
    await runtime.advance(1100);
    expect(split.size).toBe(1);
    await runtime.until(shop.close());
    expect(split.size).toBe(0);
    await remote.close();
  });

  test('are looked for nowhere by default, and where nothing is kept', async () => {
    for (const options of [{}, { hotKeys: {}, enabled: false }]) {
      const shop = cistern({ name: 'shop', ...options });
      expect(shop.stats().hotKeys).toBe(false);
      expect(shop.configuration().hotKeys).toBe(false);
      await shop.close();
    }
  });

  test('of an object without a near tier are found, and not kept', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const shop = cistern({ name: 'shop', runtime, remote: memory({ runtime }), near: false, hotKeys: {} });
    const users = shop.define('user', { load: async (id: number) => id, ttl: '5m' });
    for (let request = 0; request < 500; request++) await runtime.until(users.get(7));
    expect(shop.stats()).toMatchObject({ near: false, hotKeys: [{ cache: 'user', key: 7 }] });
    expect(shop.configuration().caches['user']?.staleness.elsewhere).toBe(0);
    await runtime.until(shop.close());
  });
});
