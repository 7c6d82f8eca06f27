import { describe, expect, test } from 'vitest';
import { cistern, CisternError, memory, notFound } from '../../src/index.ts';
import { fakeRuntime } from '../../src/testing.ts';
import { codeOf, Fleet } from './fleet.ts';

const runtime = fakeRuntime({ seed: 1 });
const notDurations = [0, -1, Number.NaN, Infinity, '', 'soon', '5', '5 m', '-5m', 5n, null, {}, true];

/** Option by option: what it must refuse. */
const family: Record<string, readonly unknown[]> = {
  name: [undefined, '', 'a b', 'x'.repeat(33), 'ü', 5, null, 'a:b'],
  near: [true, 5, 'on', null],
  'near.maxBytes': [0, -1, 10, Number.NaN, Infinity, '64', '64 mb', 'lots', null],
  'near.maxbytes': ['64mb'],
  'near.maxEntries': [0, -1, 1.5, 16_000_001, Number.NaN, Infinity, '100', null],
  'near.policy': ['LRU', 'belady', '', 5, null, {}],
  'near.index': ['Map', 'tree', 5, null, {}],
  'near.estimate': ['yes', 1, 0, null],
  remote: [5, 'memcached', {}, { execute: 5 }, null],
  remoteTimeout: [...notDurations, '2m'],
  recordPoll: [...notDurations, '2m'],
  enabled: ['yes', 1, 0, null],
  background: ['yes', {}, 5],
  closeTimeout: [-1, Number.NaN, Infinity, 'soon', null],
  codec: [{}, 5, null, 'json', { encode: () => 1 }],
  codecSteps: [[{ id: 0 }], [{ id: 256 }], [{ id: 1.5 }], [{ id: 1 }, { id: 1 }]],
  remtoe: [memory({ runtime })],
};

const definition: Record<string, readonly unknown[]> = {
  load: [undefined, null, 5, {}],
  loadMany: [5, {}, null],
  key: [5, 'id', {}, null],
  ttl: [undefined, ...notDurations, '31d'],
  staleWhileRevalidate: [-1, Number.NaN, Infinity, 'soon', '31d', null],
  staleIfError: [-1, Number.NaN, Infinity, 'soon', '31d', null],
  negativeTtl: [-1, Number.NaN, Infinity, 'soon', '31d', null],
  nearTtl: [0, -1, Number.NaN, Infinity, 'soon', null],
  jitter: [-0.1, 1, Number.NaN, '10%', null],
  refreshAhead: [-1, 101, Number.NaN, 'yes', null],
  deadline: [...notDurations, '2h'],
  loadTimeout: [...notDurations, '2h'],
  retryAfterError: [-1, Number.NaN, Infinity, 'soon', null],
  'loads.concurrent': [0, -1, 1.5, Number.NaN, Infinity, '5', null],
  'loads.perSecond': [0, -1, 1.5, Number.NaN, Infinity, '5', null],
  'loads.queue': [-1, 1.5, Number.NaN, Infinity, '5', null],
  'loads.paralel': [5],
  loads: [5, 'many'],
  maxWaiters: [0, -1, 1.5, Number.NaN, Infinity, '5', null],
  maxBatch: [0, -1, 1.5, Number.NaN, Infinity, '5', null],
  absent: ['ignore', true, null],
  near: [1, 'yes', null, { maxBytes: 5 }],
  remote: [1, 'yes', null, {}],
  sharing: ['copy', true, null],
  maxValueBytes: [0, -1, Number.NaN, Infinity, 'big', '2gb', null],
  version: [-1, 1.5, 1_000_000, Number.NaN, '3', null],
  value: [{}, 5, 'User', null],
  private: [1, 'yes', null],
  cachedReadsInWrite: ['maybe', true, null],
  time: [5],
};

/** `{ near: { maxBytes: 5 } }` for `near.maxBytes`. */
function withOption(base: Record<string, unknown>, option: string, value: unknown): Record<string, unknown> {
  const [outer, inner] = option.split('.') as [string, string?];
  return { ...base, [outer]: inner === undefined ? value : { [inner]: value } };
}

function thrownBy(make: () => unknown): CisternError<'CISTERN_OPTION'> {
  try {
    make();
  } catch (error) {
    if (error instanceof CisternError) return error as CisternError<'CISTERN_OPTION'>;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a wrong option throws where the object is made, and is named', () => {
  for (const [option, values] of Object.entries(family)) {
    test(`cistern: ${option}`, () => {
      for (const value of values) {
        const error = thrownBy(() => cistern(withOption({ name: 'shop', runtime }, option, value) as never));
        expect(error.code).toBe('CISTERN_OPTION');
        expect(error.details.option).toContain(option);
        expect(error.message).toMatch(/must be .+\. Correct it/);
      }
    });
  }

  for (const [option, values] of Object.entries(definition)) {
    test(`define: ${option}`, () => {
      const shop = cistern({ name: 'shop', runtime, remote: memory({ runtime }) });
      for (const value of values) {
        const base = { load: () => 1, ttl: '1m' };
        const error = thrownBy(() => shop.define('user', withOption(base, option, value) as never));
        expect([error.code, error.details.option]).toEqual([
          'CISTERN_OPTION',
          expect.stringContaining(`user.${option}`),
        ]);
      }
      // A refused definition does not take the name.
      expect(shop.define('user', { load: () => 1, ttl: '1m' }).name).toBe('user');
    });
  }

  test('the whole of a life is at most 30 days', () => {
    const shop = cistern({ name: 'shop', runtime });
    expect(
      thrownBy(() => shop.define('a', { load: () => 1, ttl: '20d', staleIfError: '11d' })).message,
    ).toMatch(/a\.ttl/);
    expect(thrownBy(() => shop.define('b', { load: () => 1, ttl: 1, staleIfError: '30d' })).message).toMatch(
      /staleIfError/,
    );
    expect(shop.define('c', { load: () => 1, ttl: '20d', staleIfError: '10d' }).name).toBe('c');
  });

  test('names of caches are taken once, and some are kept', () => {
    const shop = cistern({ name: 'shop', runtime });
    shop.define('user', { load: () => 1, ttl: '1m' });
    for (const name of ['user', 'ad-hoc', '', 'a b', 'a:b', 'x'.repeat(33), '~record', 5, undefined]) {
      expect(thrownBy(() => shop.define(name as string, { load: () => 1, ttl: '1m' })).code).toBe(
        'CISTERN_OPTION',
      );
    }
  });

  test('a private cache needs a key function', () => {
    const shop = cistern({ name: 'shop', runtime });
    const make = () => shop.define('note', { load: () => 1, ttl: '1m', private: true } as never);
    expect(thrownBy(make).details.option).toBe('note.key');
  });

  test('nothing at all', () => {
    for (const nothing of [undefined, null, 5, 'shop'])
      expect(thrownBy(() => cistern(nothing as never)).code).toBe('CISTERN_OPTION');
    const shop = cistern({ name: 'shop', runtime });
    for (const nothing of [undefined, null, 5])
      expect(thrownBy(() => shop.define('user', nothing as never)).code).toBe('CISTERN_OPTION');
  });

  test('memoize and getOrSet', async () => {
    const shop = cistern({ name: 'shop', runtime });
    expect(thrownBy(() => shop.memoize('a', 5 as never, { key: () => ['x'], ttl: 1 })).code).toBe(
      'CISTERN_OPTION',
    );
    expect(thrownBy(() => shop.memoize('a', () => 1, { ttl: 1 } as never)).details.option).toBe('a.key');
    expect(thrownBy(() => shop.memoize('a', () => 1, undefined as never)).details.option).toBe('a.key');
    expect(thrownBy(() => shop.memoize('a', () => 1, { key: () => ['x'] } as never)).details.option).toBe(
      'a.ttl',
    );
    for (const options of [{}, { ttl: 0 }, { ttl: '1m', jitter: 0 }, null, undefined, 5]) {
      const error = await shop.getOrSet('k', options as never, () => 1).catch((thrown: unknown) => thrown);
      expect(codeOf(error)).toBe('CISTERN_OPTION');
    }
    const noLoader = await shop.getOrSet('k', { ttl: '1m' }, 5 as never).catch((thrown: unknown) => thrown);
    expect(codeOf(noLoader)).toBe('CISTERN_OPTION');
  });
});

describe('wrong options of a read reject, and are named', () => {
  test('deadline and signal', async () => {
    const fleet = new Fleet();
    const users = fleet.join().shop.define('user', { load: (id: string) => id, ttl: '1m' });
    for (const deadline of [0, -1, Number.NaN, Infinity, 'soon', '2h']) {
      const error = await fleet.outcome(users.get('a', { deadline: deadline as number }));
      expect(codeOf(error)).toBe('CISTERN_OPTION');
    }
    expect(await fleet.outcome(users.get('a', { signal: 5 as never }))).toBeInstanceOf(Error);
    expect(await fleet.wait(users.get('a', { deadline: '1h' }))).toBe('a');
  });
});

describe('all tiers off and on', () => {
  interface Combination {
    readonly family: object;
    readonly define: object;
    readonly kept: readonly ('near' | 'remote')[];
  }
  const combinations: readonly Combination[] = [
    { family: { enabled: false }, define: {}, kept: [] },
    { family: {}, define: {}, kept: ['near', 'remote'] },
    { family: {}, define: { near: false }, kept: ['remote'] },
    { family: {}, define: { remote: false }, kept: ['near'] },
    { family: { near: false }, define: {}, kept: ['remote'] },
    { family: { remote: undefined }, define: {}, kept: ['near'] },
    { family: {}, define: { near: false, remote: false }, kept: [] },
  ];
  for (const { family: options, define, kept } of combinations) {
    test(`${JSON.stringify({ ...options, ...define })}: kept in ${kept.join(' and ') || 'no tier'}, and single flight`, async () => {
      const fleet = new Fleet();
      const { shop, wire } = fleet.join(options);
      let loads = 0;
      const load = async (id: string) => {
        loads++;
        return await Promise.resolve(id === 'none' ? notFound : `value ${id}`);
      };
      const users = shop.define('user', {
        load,
        ttl: '1m',
        staleWhileRevalidate: '1m',
        ...define,
      } as never) as ReturnType<typeof typed>;
      const typed = () => shop.define('typed', { load, ttl: '1m' });
      await fleet.wait(Promise.all(Array.from({ length: 20 }, () => users.get('a'))));
      expect(loads).toBe(1);
      await fleet.runtime.settle();
      expect(users.peek('a')).toBe(kept.includes('near') ? 'value a' : undefined);
      expect(wire.entries('set')).toHaveLength(kept.includes('remote') ? 1 : 0);
      expect(await fleet.wait(users.get('a'))).toBe('value a');
      expect(loads).toBe(kept.length === 0 ? 2 : 1);
      expect(await fleet.wait(users.get('none'))).toBeUndefined();
      for (const change of [
        () => users.set('b', 'x'),
        () => users.delete('b'),
        () => users.expire('b'),
        () => users.clear(),
        () => users.mutate('b', () => 1),
      ]) {
        expect(await fleet.wait<object>(change())).toMatchObject({ confirmed: true });
      }
      expect(await fleet.wait(users.refresh('c'))).toBe('value c');
      expect(
        await fleet.wait(shop.request(async () => [await users.get('d'), await users.get('d')])),
      ).toEqual(['value d', 'value d']);
      if (!kept.includes('remote')) expect(wire.entries('get')).toHaveLength(0);
      await fleet.wait(shop.close());
    });
  }
});

describe('getOrSet and memoize', () => {
  test('getOrSet: one load per key, its own lifetimes, and delete', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    let loads = 0;
    const options = { ttl: '10s' } as const;
    const load = async () => await Promise.resolve(`value ${++loads}`);
    const all = Array.from({ length: 10 }, () => shop.getOrSet('k', options, load));
    expect(new Set(await fleet.wait(Promise.all(all)))).toEqual(new Set(['value 1']));
    await fleet.runtime.settle();
    expect(await fleet.wait(shop.getOrSet(['k'], options, load))).toBe('value 1');
    expect(await fleet.wait(shop.getOrSet(['k', 1], { ttl: '1h' }, load))).toBe('value 2');
    expect(await fleet.wait(shop.delete('k'))).toEqual({ confirmed: true });
    expect(await fleet.wait(shop.getOrSet('k', options, load))).toBe('value 3');
    await fleet.runtime.advance(10_001);
    expect(await fleet.wait(shop.getOrSet('k', options, load))).toBe('value 4');
    expect(await fleet.wait(shop.getOrSet(['k', 1], { ttl: '1h' }, load))).toBe('value 2');
    expect(await fleet.wait(shop.getOrSet('none', options, () => notFound))).toBeUndefined();
  });

  test('memoize: one call per argument list; notFound is undefined; failures are not remembered', async () => {
    const fleet = new Fleet();
    const { shop } = fleet.join();
    let calls = 0;
    const price = shop.memoize(
      'price',
      (sku: string, amount: number) => {
        calls++;
        if (sku === 'bad') throw new Error('no such sku');
        return sku === 'none' ? notFound : { sku, amount };
      },
      { key: (sku, amount) => [sku, amount], ttl: '1m' },
    );
    for (let round = 0; round < 3; round++) {
      expect(await fleet.wait(price('a', 1))).toEqual({ sku: 'a', amount: 1 });
      expect(await fleet.wait(price('none', 1))).toBeUndefined();
      await fleet.runtime.settle();
    }
    expect(calls).toBe(2);
    for (let round = 0; round < 2; round++)
      expect(await fleet.outcome(price('bad', 1))).toEqual(new Error('no such sku'));
    expect(calls).toBe(4);
  });
});
