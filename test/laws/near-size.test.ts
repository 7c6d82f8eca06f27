import { describe, expect, test } from 'vitest';
import { cistern, type Cistern } from '../../src/index.ts';
import { policyNames } from '../../src/policies/policy-by-name.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { codeOf } from './fleet.ts';

function near(shop: Cistern): Exclude<ReturnType<Cistern['stats']>['near'], false> {
  const numbers = shop.stats().near;
  if (numbers === false) throw new Error('there is no near tier');
  return numbers;
}

const load = (id: number): string => `value ${id}`;

describe('the near tier', () => {
  test.each(policyNames.flatMap((policy) => [[policy, 'hash'] as const, [policy, 'map'] as const]))(
    'with policy %s and index %s keeps its limits, and answers what was loaded',
    async (policy, index) => {
      const runtime = fakeRuntime({ seed: 1 });
      const options = { maxEntries: 40, maxBytes: '1mb', policy, index } as const;
      const shop = cistern({ name: 'shop', runtime, near: options });
      const users = shop.define('user', { load, ttl: '1h' });
      for (let turn = 0; turn < 1000; turn++) {
        const id = (turn * turn) % 97;
        expect(await users.get(id)).toBe(load(id));
        expect(near(shop).entries).toBeLessThanOrEqual(40);
      }
      expect(near(shop)).toMatchObject({ entries: 40, maxEntries: 40, maxBytes: 1_048_576, policy, index });
      expect(users.stats().near.hits).toBeGreaterThan(50);
      expect(near(shop).evicted).toBe(users.stats().loads - 40);
    },
  );

  test.each([
    ['bytes', {}],
    ['entries', { maxEntries: 5000 }],
  ])('gets other limits at run time, and lets go bit by bit (the policy counts %s)', async (_, limits) => {
    const runtime = fakeRuntime({ seed: 1 });
    const shop = cistern({ name: 'shop', runtime, near: { maxBytes: '1mb', ...limits } });
    const users = shop.define('user', { load, ttl: '1h' });
    const fill = async (): Promise<void> => {
      await runtime.until(users.getMany(Array.from({ length: 30_000 }, (__, id) => id)));
    };
    await fill();
    const before = near(shop);
    expect(before.bytes).toBeLessThanOrEqual(2 ** 20);
    expect(before.entries).toBeGreaterThan(4000);

    shop.resizeNear({ maxBytes: '64kb' });
    expect(near(shop)).toMatchObject({ maxBytes: 65_536, maxEntries: before.maxEntries });
    expect(near(shop).entries).toBe(before.entries);
    await runtime.settle();
    expect(near(shop).bytes).toBeLessThanOrEqual(65_536);
    expect(near(shop).bytes).toBeGreaterThan(60_000);

    shop.resizeNear({ maxEntries: 100 });
    await runtime.settle();
    expect(near(shop).entries).toBe(100);
    await fill();
    expect(near(shop)).toMatchObject({ entries: 100, maxEntries: 100, maxBytes: 65_536 });

    shop.resizeNear({ maxBytes: '4mb', maxEntries: 20_000 });
    await fill();
    expect(near(shop).entries).toBe(20_000);
    await shop.close();
    expect(() => shop.resizeNear({ maxBytes: '1mb' })).toThrow(/after close/);
  });

  test('refuses limits that cannot be, and keeps those it had', () => {
    const shop = cistern({ name: 'shop', runtime: fakeRuntime({ seed: 1 }) });
    const before = shop.configuration();
    for (const limits of [
      undefined,
      null,
      5,
      { maxBytes: 5 },
      { maxBytes: null },
      { maxBytes: '1mb', maxEntries: 0 },
      { maxEntries: 1.5 },
      { maxEntries: Infinity },
      { policy: 'lru' },
    ]) {
      let error: unknown;
      try {
        shop.resizeNear(limits as never);
      } catch (thrown) {
        error = thrown;
      }
      expect(codeOf(error)).toBe('CISTERN_OPTION');
      expect((error as Error).message).toContain('resizeNear');
    }
    expect(shop.configuration()).toEqual(before);
  });

  test('that is not there has no numbers and no limits', () => {
    for (const options of [{ near: false }, { enabled: false }] as const) {
      const shop = cistern({ name: 'shop', runtime: fakeRuntime({ seed: 1 }), ...options });
      const users = shop.define('user', { load, ttl: '1h' });
      expect(shop.stats()).toEqual({ near: false, hotKeys: false });
      expect(shop.resizeNear({ maxBytes: '1mb' })).toBeUndefined();
      expect(users.stats().near).toEqual({
        hits: 0,
        staleHits: 0,
        misses: 0,
        entries: 0,
        evicted: 0,
        expired: 0,
        invalidated: 0,
        replaced: 0,
        estimate: undefined,
      });
    }
  });
});

describe('the live estimate', () => {
  /** Reads ids evenly at random, of which the tier holds a half: twice the memory would hold them all. */
  async function readHalf(options: { readonly estimate?: boolean }): Promise<Cistern> {
    const runtime = fakeRuntime({ seed: 5 });
    const shop = cistern({
      name: 'shop',
      runtime,
      near: { maxEntries: 20_000, policy: 'lru', ...options },
    });
    const users = shop.define('user', { load: (id: number) => id, ttl: '1h', jitter: 0 });
    expect(users.stats().near.estimate).toBeUndefined();
    for (let round = 0; round < 20; round++) {
      const ids = Array.from({ length: 9000 }, () => Math.floor(runtime.random() * 40_000));
      await Promise.all(ids.map((id) => users.get(id)));
    }
    return shop;
  }

  test('tells what half, twice and four times the memory would bring', async () => {
    const shop = await readHalf({});
    const { estimate } = near(shop);
    expect(estimate!.hitRatio).toBeGreaterThan(0.25);
    expect(estimate!.hitRatio).toBeLessThan(0.55);
    expect(estimate!.half).toBeLessThan(-0.1);
    expect(estimate!.double).toBeGreaterThan(0.15);
    expect(estimate!.fourfold).toBeGreaterThanOrEqual(estimate!.double);
    expect(Math.abs(estimate!.distinct - 40_000)).toBeLessThan(8000);
    expect(estimate!.text).toMatch(/^twice the memory would give \+\d\d\.\d points$/);
  });

  test('is the same in the numbers of each cache, and not there when it is switched off', async () => {
    const shop = await readHalf({});
    const other = shop.define('other', { load: (id: number) => id, ttl: '1h' });
    expect(other.stats().near.estimate).toEqual(near(shop).estimate);
    const without = await readHalf({ estimate: false });
    expect(near(without).estimate).toBeUndefined();
  });
});
