import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cache, type Cistern, notFound, type NotFound, tenant } from '../../src/index.ts';
import { path, Restart } from './restart.ts';

/** What is kept: its own life, and a value of any kind that a cache may keep. */
interface Kept {
  readonly ttl: number;
  readonly value: unknown;
}

const text = fc.string({ unit: fc.constantFrom('a', 'é', '€', '\0', '\ud800', ',', '%', "'") });
const part = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8 }),
  text.filter((each) => each !== ''),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt(),
  fc.boolean(),
);
const value = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
    depthSize: 'small',
  }),
  fc.string({ minLength: 50_000, maxLength: 90_000 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ bytes: Buffer.from(bytes) })),
);
const life = fc.integer({ min: 1, max: 100_000 });
const entries = fc.array(
  fc.record({
    cache: fc.constantFrom('plain', 'composed', 'cloned'),
    id: fc.array(part, { minLength: 1, maxLength: 2 }) as fc.Arbitrary<[string, ...string[]]>,
    kept: fc.oneof(
      { weight: 5, arbitrary: fc.record({ ttl: life, value }) },
      { weight: 1, arbitrary: fc.constant<NotFound>(notFound) },
    ),
    wait: fc.oneof(fc.constant(0), fc.nat(3000)),
    asked: fc.boolean(),
    expire: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  { maxLength: 30 },
);

type Caches = Record<string, Cache<readonly [string, ...string[]], Kept, undefined>>;

function define(shop: Cistern): Caches {
  const common = {
    load: (): Kept | NotFound => {
      throw new Error('not loaded');
    },
    ttl: (kept: Kept) => kept.ttl,
    jitter: 0,
    refreshAhead: 0,
    negativeTtl: '1m',
    staleWhileRevalidate: '10s',
    staleIfError: '30s',
    retryAfterError: 0,
  } as const;
  const key = (id: readonly [string, ...string[]]): readonly [string, ...string[]] => id;
  const plain = shop.define<string, Kept | NotFound>('plain', common);
  return {
    plain: new Proxy(plain, {
      get:
        (target, name) =>
        (first: readonly [string], ...rest: unknown[]) =>
          (Reflect.get(target, name) as (...all: unknown[]) => unknown).call(target, first[0], ...rest),
    }) as never,
    composed: shop.define('composed', { ...common, key }),
    cloned: shop.define('cloned', { ...common, key, sharing: 'clone' }),
  };
}

test('a saved and restored cache gives the same answers, as long as it would have without the restart', async () => {
  await fc.assert(
    fc.asyncProperty(entries, fc.nat(60_000), fc.constantFrom('hash', 'map'), async (all, down, index) => {
      const before = new Restart({ near: { index } });
      const old = define(before.shop);
      for (const { cache, id, kept, wait, asked, expire } of all) {
        await before.runtime.until(old[cache]!.set(id, kept));
        if (asked) for (let times = 0; times < 3; times++) void old[cache]!.peek(id);
        if (expire) await before.runtime.until(old[cache]!.expire(id));
        await before.runtime.advance(wait);
      }
      await before.save();
      const after = before.next({ near: { index: index === 'hash' ? 'map' : 'hash' } }, down);
      const caches = define(after.shop);
      const result = await after.runtime.until(after.shop.restoreNear(path));
      expect(result).toMatchObject({ found: true, skipped: 0, unknown: [] });
      await before.runtime.advance(down);

      // Twice: at once, and later.
      for (const later of [0, 15_000]) {
        await before.runtime.advance(later);
        await after.runtime.advance(later);
        for (const { cache, id } of all) {
          expect(caches[cache]!.peek(id)).toEqual(old[cache]!.peek(id));
          const [is] = (await after.runtime.until(caches[cache]!.entries([id]))).values();
          const [was] = (await before.runtime.until(old[cache]!.entries([id]))).values();
          expect(is).toEqual(was);
        }
      }
    }),
    { numRuns: 60 },
  );
});

describe('a snapshot', () => {
  const ttl = { ttl: '1m', jitter: 0, refreshAhead: 0 } as const;

  test('tells what was saved, restored and expired; entries that were asked for stay popular', async () => {
    const before = new Restart();
    const users = before.shop.define('user', { load: (id: number) => id, ...ttl });
    const short = before.shop.define('short', { load: (id: number) => id, ...ttl, ttl: '2s' });
    for (let id = 0; id < 10; id++) await Promise.all([users.get(id), short.get(id)]);
    await before.runtime.advance(1000);
    const saved = await before.runtime.until(before.shop.saveNear(path));
    expect(saved).toEqual({ saved: 20, skipped: 0, bytes: before.runtime.disk.get(path)!.length });
    // What is past all use is not written.
    await before.runtime.advance(1500);
    expect(await before.runtime.until(before.shop.saveNear('/other'))).toMatchObject({ saved: 10 });

    const after = before.next({}, 0);
    after.shop.define('user', { load: (id: number) => id, ...ttl });
    after.shop.define('short', { load: (id: number) => id, ...ttl });
    expect(await after.runtime.until(after.shop.restoreNear(path))).toEqual({
      found: true,
      restored: 10,
      expired: 10,
      skipped: 0,
      unknown: [],
    });
  });

  test('is not there: nothing happens', async () => {
    const { shop, runtime } = new Restart();
    expect(await runtime.until(shop.restoreNear('/nowhere'))).toEqual({
      found: false,
      restored: 0,
      expired: 0,
      skipped: 0,
      unknown: [],
    });
  });

  test('without a near tier nothing is written or read', async () => {
    for (const options of [{ near: false }, { enabled: false }] as const) {
      const { shop, runtime } = new Restart(options);
      runtime.disk.set(path, Buffer.from('what was there'));
      expect(await shop.saveNear(path)).toEqual({ saved: 0, skipped: 0, bytes: 0 });
      expect(await shop.restoreNear(path)).toMatchObject({ found: false, restored: 0 });
      expect(Buffer.from(runtime.disk.get(path)!).toString()).toBe('what was there');
    }
  });

  test('keeps the near part of a getOrSet, of memoize and of private caches', async () => {
    const before = new Restart();
    const each = async ({ shop, runtime }: Restart): Promise<unknown[]> => {
      const price = shop.memoize('price', (sku: string) => `${sku} ${runtime.seed}`, {
        key: (sku) => [sku],
        ...ttl,
      });
      const notes = shop.define('note', {
        key: (id: string) => [tenant(id), 1],
        private: true,
        load: () => runtime.seed,
        ...ttl,
      });
      const restored = runtime.disk.has(path) ? await runtime.until(shop.restoreNear(path)) : undefined;
      return [
        restored?.restored,
        await shop.getOrSet('k', { ttl: '1m' }, () => runtime.seed),
        await price('tea'),
        await notes.get('ada'),
      ];
    };
    expect(await each(before)).toEqual([undefined, 1, 'tea 1', 1]);
    await before.save();
    expect(await each(before.next())).toEqual([3, 1, 'tea 1', 1]);
  });

  test('skips instances of classes, which no file can keep, and keeps the rest', async () => {
    class Money {
      readonly cents = 5;
    }
    const before = new Restart();
    const rows = before.shop.define('row', {
      load: (id: number): unknown => (id % 2 === 0 ? { id, price: new Money() } : { id }),
      ...ttl,
    });
    await rows.getMany([1, 2, 3, 4, 5]);
    expect(await before.runtime.until(before.shop.saveNear(path))).toMatchObject({ saved: 3, skipped: 2 });
  });

  test('is matched by name, version and kind of key; caches must be defined before', async () => {
    const before = new Restart();
    const load = (id: string): string => `old ${id}`;
    const names = ['same', 'gone', 'raised', 'keyed', 'unkept'];
    for (const name of names) await before.shop.define(name, { load, ...ttl }).get('a');
    await before.save();
    const { shop, runtime } = before.next();
    const now = { load: (id: string): string => `new ${id}`, ...ttl };
    const same = shop.define('same', now);
    const raised = shop.define('raised', { ...now, version: 2 });
    const keyed = shop.define('keyed', { ...now, key: (id: string) => [id] });
    const unkept = shop.define('unkept', { ...now, near: false });
    const result = await runtime.until(shop.restoreNear(path));
    expect(result).toMatchObject({ restored: 1, skipped: 4 });
    expect(result.unknown.toSorted()).toEqual(['gone', 'keyed', 'raised']);
    expect(await Promise.all([same, raised, keyed, unkept].map((cache) => cache.get('a')))).toEqual([
      'old a',
      'new a',
      'new a',
      'new a',
    ]);
    expect(await shop.define('gone', now).get('a')).toBe('new a');
  });

  test('values that the schema refuses do not come back', async () => {
    const before = new Restart();
    const users = before.shop.define('user', { load: (id: number): unknown => ({ id }), ...ttl });
    await users.getMany([1, 2, 3, 4]);
    await before.save();
    for (const asynchronous of [false, true]) {
      const { shop, runtime } = before.next();
      const validate = (given: unknown) => {
        if ((given as { id: number }).id === 4) throw new Error('schema');
        const result =
          (given as { id: number }).id % 2 === 1 ? { value: given } : { issues: [{ message: 'even' }] };
        return asynchronous ? Promise.resolve(result) : result;
      };
      const cache = shop.define('user', {
        load: (): unknown => 'loaded',
        value: { '~standard': { version: 1, vendor: 'test', validate } },
        ...ttl,
      });
      expect(await runtime.until(shop.restoreNear(path))).toMatchObject({ restored: 2, skipped: 2 });
      expect([1, 2, 3, 4].map((id) => cache.peek(id as never))).toEqual([
        { id: 1 },
        undefined,
        { id: 3 },
        undefined,
      ]);
    }
  });

  test('goes through the codec steps, which are told whose entry it is', async () => {
    const seen: string[] = [];
    const step = (secret: number) => ({
      id: 1,
      name: 'secret',
      required: true,
      encode: (bytes: Uint8Array, { key }: { key: string }) => {
        seen.push(key);
        return bytes.map((byte) => byte ^ secret);
      },
      decode: (bytes: Uint8Array, { key }: { key: string }) => {
        if (!seen.includes(key)) throw new Error('another key');
        return bytes.map((byte) => byte ^ secret);
      },
    });
    const before = new Restart({ codecSteps: [step(85)] });
    const load = (id: string): string => `value of ${id}`;
    await before.shop.define('user', { load, ...ttl }).get('ada');
    await before.shop.define('pair', { load, key: (id: string) => [id, 1], ...ttl }).get('x');
    await before.save();
    expect(seen.toSorted()).toEqual(["shop:pair:1:'x,1", "shop:user:1:'ada"]);
    expect(Buffer.from(before.runtime.disk.get(path)!).includes('value of')).toBe(false);
    for (const [options, restored] of [
      [{ codecSteps: [step(85)] }, 2],
      [{ codecSteps: [step(86)] }, 0],
      [{}, 0],
    ] as const) {
      const { shop, runtime } = before.next(options);
      shop.define('user', { load, ...ttl });
      shop.define('pair', { load, key: (id: string) => [id, 1], ...ttl });
      expect(await runtime.until(shop.restoreNear(path))).toMatchObject({ restored, skipped: 2 - restored });
    }
  });

  test('of a larger tier: those that were asked for are what a smaller one keeps', async () => {
    for (const policy of ['w-tinylfu', 'lru', 's3-fifo', 'sieve', 'arc', 'lfu', 'clock', 'fifo'] as const) {
      const before = new Restart();
      const define = (shop: Cistern) => shop.define('user', { load: (id: number) => id, ...ttl, ttl: '1h' });
      const users = define(before.shop);
      const ids = Array.from({ length: 2000 }, (_, id) => id);
      await before.runtime.until(users.getMany(ids));
      const hot = ids.filter((id) => id % 20 === 7);
      for (let round = 0; round < 3; round++) for (const id of hot) await users.get(id);
      await before.save();
      const { shop, runtime } = before.next({ near: { maxEntries: 200, policy } });
      const after = define(shop);
      await runtime.until(shop.restoreNear(path));
      const kept = hot.filter((id) => after.peek(id) !== undefined).length;
      expect(kept, policy).toBeGreaterThan(95);
    }
  });
});
