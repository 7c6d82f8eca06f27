import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fleet, sleep, Source } from './fleet.ts';

describe('lifetimes', () => {
  test('are shortened by up to the jitter, never lengthened, and spread', async () => {
    const fleet = new Fleet(7);
    const users = fleet.join().shop.define('user', { load: (id: number) => id, ttl: '100s', jitter: 0.2 });
    const ids = Array.from({ length: 400 }, (_, id) => id);
    await fleet.wait(users.getMany(ids));
    const entries = [...(await fleet.wait(users.entries(ids))).values()].map(({ expiresIn }) => expiresIn);
    expect(Math.max(...entries)).toBeLessThanOrEqual(100_000);
    expect(Math.min(...entries)).toBeGreaterThanOrEqual(80_000);
    expect(new Set(entries).size).toBeGreaterThan(300);
    const mean = entries.reduce((sum, each) => sum + each, 0) / entries.length;
    expect(Math.abs(mean - 90_000)).toBeLessThan(1500);
  });

  test('are jittered by default, and not with jitter 0', async () => {
    const fleet = new Fleet(8);
    const { shop } = fleet.join();
    const spread = shop.define('spread', { load: (id: number) => id, ttl: '100s' });
    const exact = shop.define('exact', { load: (id: number) => id, ttl: '100s', jitter: 0 });
    const ids = Array.from({ length: 50 }, (_, id) => id);
    await fleet.wait(Promise.all([spread.getMany(ids), exact.getMany(ids)]));
    const lives = async (cache: typeof spread) =>
      [...(await fleet.wait(cache.entries(ids))).values()].map(({ expiresIn }) => expiresIn);
    expect(new Set(await lives(spread)).size).toBeGreaterThan(40);
    expect(new Set(await lives(exact))).toEqual(new Set([100_000]));
  });

  test('are chosen by value, in every tier', async () => {
    const fleet = new Fleet();
    const define = {
      load: (id: string) => id,
      ttl: (value: string) => (value === 'short' ? '10s' : 100_000),
      jitter: 0,
    } as const;
    const [one, other] = [fleet.join(), fleet.join()].map(({ shop }) => shop.define('user', define));
    for (const id of ['short', 'long']) {
      const life = id === 'short' ? 10_000 : 100_000;
      await fleet.wait(one!.get(id));
      await fleet.runtime.settle();
      expect((await fleet.wait(one!.entry(id))).expiresIn).toBe(life);
      expect((await fleet.wait(other!.entry(id))).expiresIn).toBe(life);
    }
  });

  test('tell the truth in entry(): age, what is left, tier and status', async () => {
    const fleet = new Fleet();
    const spans = {
      ttl: '1m',
      staleWhileRevalidate: '1m',
      jitter: 0,
      refreshAhead: 0,
      nearTtl: '1h',
    } as const;
    const [one, other] = [fleet.join(), fleet.join()].map(({ shop }) =>
      shop.define('user', { load: (id: string) => id, ...spans }),
    );
    expect(await fleet.wait(one!.entry('a'))).toEqual({
      value: 'a',
      status: 'loaded',
      tier: 'source',
      age: 0,
      expiresIn: 60_000,
    });
    await fleet.runtime.advance(10_000);
    expect(await fleet.wait(one!.entry('a'))).toEqual({
      value: 'a',
      status: 'hit',
      tier: 'near',
      age: 10_000,
      expiresIn: 50_000,
    });
    expect(await fleet.wait(other!.entry('a'))).toEqual({
      value: 'a',
      status: 'hit',
      tier: 'remote',
      age: 10_000,
      expiresIn: 50_000,
    });
    await fleet.runtime.advance(55_000);
    expect(await fleet.wait(other!.entry('a'))).toEqual({
      value: 'a',
      status: 'stale',
      tier: 'near',
      age: 65_000,
      expiresIn: -5000,
    });
  });
});

describe('stale-while-revalidate', () => {
  test('nobody waits: one process reloads, all have the old value meanwhile', async () => {
    const fleet = new Fleet();
    const source = new Source();
    const define = {
      load: async (id: string, context: { readonly signal: AbortSignal }) => {
        await sleep(fleet.runtime, 100);
        return await source.load(id, context);
      },
      ttl: '1m',
      staleWhileRevalidate: '1m',
      jitter: 0,
      refreshAhead: 0,
    } as const;
    const caches = Array.from({ length: 4 }, () => fleet.join().shop.define('user', define));
    source.values.set('a', 'old');
    await fleet.wait(caches[0]!.get('a'));
    await fleet.wait(Promise.all(caches.map((cache) => cache.get('a'))));
    await fleet.runtime.advance(61_000);
    source.values.set('a', 'new');
    const started = fleet.runtime.clock.read();
    const all = caches.flatMap((cache) => Array.from({ length: 250 }, () => cache.get('a')));
    expect(new Set(await fleet.wait(Promise.all(all)))).toEqual(new Set(['old']));
    expect(fleet.runtime.clock.read() - started).toBeLessThanOrEqual(1);
    await fleet.runtime.advance(200);
    expect(source.loads).toBe(2);
    expect(await fleet.wait(caches[0]!.get('a'))).toBe('new');
  });

  test('ends: a value older than its span is not answered while it reloads', async () => {
    const fleet = new Fleet();
    for (const near of [true, false]) {
      const source = new Source();
      source.values.set('a', 'old');
      const users = fleet.join().shop.define(near ? 'near' : 'remote', {
        load: source.load,
        ttl: '1m',
        staleWhileRevalidate: '10s',
        staleIfError: '1h',
        nearTtl: '2h',
        jitter: 0,
        near,
      });
      await fleet.wait(users.get('a'));
      source.values.set('a', 'new');
      await fleet.runtime.advance(70_000);
      expect(await fleet.wait(users.get('a'))).toBe('new');
    }
  });
});

describe('refresh ahead of expiry (XFetch)', () => {
  /** When, in milliseconds before the end, the reload began: per seed, with one read every 10 ms. */
  async function begins(seed: number, options: { readonly refreshAhead?: number; readonly load: number }) {
    const fleet = new Fleet(seed);
    const { refreshAhead = 1 } = options;
    const loads: number[] = [];
    const { shop } = fleet.join({ remote: undefined as never });
    const users = shop.define<string, string>('user', {
      load: async () => {
        loads.push(fleet.runtime.clock.read());
        await sleep(fleet.runtime, options.load);
        return 'value';
      },
      ttl: '10s',
      jitter: 0,
      refreshAhead,
    });
    await fleet.wait(users.get('a'));
    const end = fleet.runtime.clock.read() + 10_000;
    while (loads.length < 2) {
      await fleet.wait(users.get('a'));
      await fleet.runtime.advance(20);
    }
    return end - loads[1]!;
  }

  test('begins an exponential time before the end, scaled by how long a load takes', async () => {
    for (const load of [200, 400]) {
      const ahead: number[] = [];
      for (let seed = 0; seed < 80; seed++) ahead.push(await begins(seed, { load }));
      const mean = ahead.reduce((sum, each) => sum + each, 0) / ahead.length;
      // An exponential distribution of this mean: 80 draws stay within four standard errors.
      expect(mean).toBeGreaterThan(load * (1 - 4 / Math.sqrt(80)) - 20);
      expect(mean).toBeLessThan(load * (1 + 4 / Math.sqrt(80)) + 20);
      // The tail of an exponential distribution: one draw in seven is above twice its mean.
      expect(ahead.some((each) => each > 2 * load + 20)).toBe(true);
      expect(ahead.some((each) => each < load / 3)).toBe(true);
    }
  });

  test('without a near tier: by a recache win on the remote tier, and nobody waits', async () => {
    const fleet = new Fleet(5);
    let loads = 0;
    const caches = Array.from({ length: 3 }, () =>
      fleet.join().shop.define<string, number>('user', {
        load: async () => {
          loads++;
          await sleep(fleet.runtime, 300);
          return loads;
        },
        ttl: '10s',
        jitter: 0,
        near: false,
      }),
    );
    await fleet.wait(caches[0]!.get('a'));
    await fleet.runtime.settle();
    const end = fleet.runtime.clock.read() + 10_000;
    let begun = 0;
    let waited = 0;
    while (fleet.runtime.clock.read() < end + 5000) {
      const started = fleet.runtime.clock.read();
      await fleet.wait(Promise.all(caches.map((cache) => cache.get('a'))));
      waited = Math.max(waited, fleet.runtime.clock.read() - started);
      if (begun === 0 && loads > 1) begun = started;
      await fleet.runtime.advance(100);
    }
    expect(end - begun).toBeGreaterThan(0);
    expect(waited).toBeLessThanOrEqual(1);
    // A second reload may come ahead of the second end, but never two for one.
    expect(loads).toBeLessThanOrEqual(3);
  });

  test('never begins with refreshAhead 0', async () => {
    for (let seed = 0; seed < 10; seed++) {
      expect(await begins(seed, { load: 2000, refreshAhead: 0 })).toBeLessThanOrEqual(0);
    }
  });

  test('does not begin by itself: nobody reads, nobody loads', async () => {
    const fleet = new Fleet();
    const source = new Source();
    const users = fleet.join().shop.define('user', { load: source.load, ttl: '10s', refreshAhead: 100 });
    await fleet.wait(users.get('a'));
    await fleet.runtime.advance(60_000);
    expect(source.loads).toBe(1);
  });

  test('the win decides who loads: one of the fleet, through single flight, and readers do not wait', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const fleet = new Fleet(seed);
        const source = new Source();
        const define = {
          load: async (id: string, context: { readonly signal: AbortSignal }) => {
            const value = await source.load(id, context);
            await sleep(fleet.runtime, 100);
            return value;
          },
          ttl: '10s',
          jitter: 0,
          refreshAhead: 20,
        } as const;
        const caches = Array.from({ length: 3 }, () => fleet.join().shop.define('user', define));
        await fleet.wait(Promise.all(caches.map((cache) => cache.get('a'))));
        // The means of the times ahead is 2 s; within 9.9 s all three are eager, and one load serves them all.
        let waited = 0;
        const first = source.loads;
        for (let step = 0; step < 90; step++) {
          const started = fleet.runtime.clock.read();
          await fleet.wait(Promise.all(caches.map((cache) => cache.get('a'))));
          waited = Math.max(waited, fleet.runtime.clock.read() - started);
          await fleet.runtime.advance(110);
        }
        expect(first).toBe(1);
        expect(waited).toBeLessThanOrEqual(1);
        expect(source.loads).toBeLessThanOrEqual(8);
      }),
      { numRuns: 10 },
    );
  });
});
