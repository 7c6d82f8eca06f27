import { createCache as createDedupe } from 'async-cache-dedupe';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { createCache as createManager } from 'cache-manager';
import { Cacheable } from 'cacheable';
import { afterAll, describe, expect, test } from 'vitest';
import { cistern, memory } from '../../src/index.ts';

// Why some laws are laws: the same short program, run with Cistern and with the caches that `bench/` compares with. It documents
// what they do in the versions that are installed; when one of these tests fails after an update, that library has been mended.

type Load = () => Promise<unknown>;

/** Get-or-load of one key, and its removal. */
interface Tried {
  get(load: Load): Promise<unknown>;
  remove(): Promise<unknown>;
}

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
});

function ours(): Tried {
  const shop = cistern({ name: 'peers', remote: memory() });
  ends.push(() => shop.close());
  let load: Load = async () => undefined;
  const cache = shop.define<string, unknown>('tried', { load: async () => await load(), ttl: '1m' });
  return {
    get: async (by) => {
      load = by;
      return await cache.get('key');
    },
    remove: async () => await cache.delete('key'),
  };
}

function bentocache(serialize = true): Tried {
  const cache = new BentoCache({
    default: 'memory',
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 100, serialize })) },
  });
  return {
    get: async (factory) =>
      await cache.getOrSet({ key: 'key', ttl: '1m', factory: factory as () => Promise<string> }),
    remove: async () => await cache.delete({ key: 'key' }),
  };
}

function cacheable(): Tried {
  const cache = new Cacheable({ ttl: 60_000 });
  return {
    get: async (load) => await cache.getOrSet('key', load, { ttl: 60_000, throwErrors: true }),
    remove: async () => await cache.delete('key'),
  };
}

function cacheManager(): Tried {
  const cache = createManager({ ttl: 60_000 });
  return {
    get: async (load) => await cache.wrap('key', load),
    remove: async () => await cache.del('key'),
  };
}

function dedupe(): Tried {
  let load: Load = async () => undefined;
  const cache = createDedupe({ ttl: 60, storage: { type: 'memory' } }).define('tried', async (key: string) =>
    key === '' ? undefined : await load(),
  );
  return {
    get: async (by) => {
      load = by;
      return await cache.tried('key');
    },
    remove: async () => await cache.clear('tried', 'key'),
  };
}

/** A delete while a load is under way: what the next read says. */
async function deleteDuringLoad(cache: Tried): Promise<unknown> {
  let source = 'old';
  const read = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const load = async (): Promise<unknown> => {
    const value = source;
    read.resolve();
    await answer.promise;
    return value;
  };
  const first = cache.get(load);
  await read.promise;
  source = 'new';
  await cache.remove();
  answer.resolve();
  await first;
  return await cache.get(load);
}

describe('a delete during a load: the next read is fresh', () => {
  test('with Cistern', async () => {
    expect(await deleteDuringLoad(ours())).toBe('new');
  });
  for (const [name, make] of Object.entries({ bentocache, cacheable, cacheManager, dedupe })) {
    test(`not with ${name}: it keeps the old value`, async () => {
      expect(await deleteDuringLoad(make())).toBe('old');
    });
  }
});

/** A failing loader and 20 callers: how often it ran. */
async function failingLoads(cache: Tried): Promise<number> {
  let loads = 0;
  const load = async (): Promise<unknown> => {
    loads++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    throw new Error('source is down');
  };
  await Promise.allSettled(Array.from({ length: 20 }, async () => await cache.get(load)));
  return loads;
}

describe('a failing loader runs once for all who wait for it', () => {
  test('with Cistern', async () => {
    expect(await failingLoads(ours())).toBe(1);
  });
  test('not with bentocache: it runs for one caller after the other', async () => {
    expect(await failingLoads(bentocache())).toBe(20);
  });
});

describe('values keep their types, for the first caller and for the later ones', () => {
  const row = () => ({ at: new Date(5), tags: new Set(['a']), sizes: new Map([['s', 1n]]) });
  test('with Cistern', async () => {
    const cache = ours();
    expect(await cache.get(async () => await Promise.resolve(row()))).toEqual(row());
    expect(await cache.get(async () => await Promise.resolve(row()))).toEqual(row());
  });
  test('not with bentocache: a Date comes back as text, a Map as an empty object', async () => {
    const cache = bentocache();
    const plain = () => ({ at: new Date(5), sizes: new Map([['s', 1]]) });
    expect(await cache.get(async () => await Promise.resolve(plain()))).toEqual(plain());
    expect(await cache.get(async () => await Promise.resolve(plain()))).toEqual({
      at: new Date(5).toISOString(),
      sizes: {},
    });
  });
});

/** A caller changes what it was given: what the next one sees. */
async function changed(cache: Tried): Promise<unknown> {
  const load = async (): Promise<unknown> => await Promise.resolve({ price: 1 });
  await cache.get(load);
  const mine = (await cache.get(load)) as { price: number };
  try {
    mine.price = 2;
  } catch {
    // Frozen.
  }
  return await cache.get(load);
}

describe('what a caller changes does not reach the next one', () => {
  test('with Cistern', async () => {
    expect(await changed(ours())).toEqual({ price: 1 });
  });
  for (const [name, make] of Object.entries({ cacheManager, dedupe })) {
    test(`it does with ${name}`, async () => {
      expect(await changed(make())).toEqual({ price: 2 });
    });
  }
});

test('memoize: two arguments never share an entry; cacheable answers one with the value of the other', async () => {
  const shop = cistern({ name: 'peers' });
  ends.push(() => shop.close());
  const mine = shop.memoize('greet', (name: string) => `hello ${name}`, { key: (name) => [name], ttl: '1m' });
  expect([await mine('ab'), await mine('bA')]).toEqual(['hello ab', 'hello bA']);
  const theirs = new Cacheable().wrap(async (name: string) => await Promise.resolve(`hello ${name}`), {
    keyPrefix: 'greet',
    ttl: 60_000,
  });
  expect([await theirs('ab'), await theirs('bA')]).toEqual(['hello ab', 'hello ab']);
});
