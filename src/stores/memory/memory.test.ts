import { describe, expect, test } from 'vitest';
import type { Operation, Reply, Store } from '../../core/store.ts';
import { fakeRuntime, type FakeRuntime } from '../../testing/fake-runtime.ts';
import { storeContract } from '../../testing/store-contract.ts';
import { entryOverhead } from './entry-table.ts';
import { memory, type MemoryOptions } from './memory.ts';

storeContract(
  { describe, test },
  {
    name: 'memory',
    make: async () => {
      const runtime = fakeRuntime({ seed: 1 });
      return {
        store: memory({ runtime }),
        clock: runtime.clock,
        advance: async (milliseconds) => await runtime.advance(milliseconds),
        dispose: async () => undefined,
      };
    },
  },
);

const life = { freshFor: 1000, staleFor: 500 };
const deadline = Number.POSITIVE_INFINITY;

function make(options: MemoryOptions = {}): {
  store: Store;
  runtime: FakeRuntime;
  get: (key: string, wanted?: object) => Promise<Reply>;
  set: (key: string, value: string | Uint8Array, how?: object) => Promise<Reply>;
} {
  const runtime = fakeRuntime({ seed: 1 });
  const store = memory({ runtime, ...options });
  return {
    store,
    runtime,
    get: async (key, wanted = {}) => await store.execute({ kind: 'get', key, deadline, ...wanted }),
    set: async (key, value, how = {}) =>
      await store.execute({
        kind: 'set',
        mode: 'set',
        key,
        value: Buffer.from(value),
        flags: 0,
        life,
        deadline,
        ...how,
      }),
  };
}

describe('time in memory is exact to the millisecond', () => {
  test('an entry ages at its fresh time and is gone at the end of its stale time', async () => {
    const { runtime, get, set } = make();
    await set('k', 'v');
    await runtime.advance(999);
    expect(await get('k')).toMatchObject({ kind: 'hit', freshFor: 1, expiresIn: 501 });
    await runtime.advance(1);
    expect(await get('k')).toMatchObject({ kind: 'hit', freshFor: 0, expiresIn: 500 });
    await runtime.advance(499);
    expect(await get('k')).toMatchObject({ kind: 'hit', freshFor: -499, expiresIn: 1 });
    await runtime.advance(1);
    expect(await get('k')).toMatchObject({ kind: 'miss' });
  });

  test('a recache is won strictly below the threshold', async () => {
    const { runtime, get, set } = make();
    await set('k', 'v');
    expect(await get('k', { recache: 1500 })).toMatchObject({ claim: 'none' });
    await runtime.advance(1);
    expect(await get('k', { recache: 1500 })).toMatchObject({ claim: 'won' });
  });

  test('a lease ends at its time', async () => {
    const { runtime, get } = make();
    expect(await get('k', { lease: 100 })).toMatchObject({ lease: 'won' });
    await runtime.advance(99);
    expect(await get('k', { lease: 100 })).toMatchObject({ lease: 'lost' });
    await runtime.advance(1);
    expect(await get('k', { lease: 100 })).toMatchObject({ lease: 'won' });
  });

  test('a deadline is over when the clock shows it', async () => {
    const { runtime, store } = make();
    const ask = async (at: number): Promise<string> =>
      (await store.execute({ kind: 'get', key: 'k', deadline: at })).kind;
    expect(await ask(runtime.clock.read() + 1)).toBe('miss');
    expect(await ask(runtime.clock.read())).toBe('failed');
  });

  test('entries that are over are removed in the course of time, without being asked for', async () => {
    const { runtime, store, set } = make({ maxBytes: '1gb' });
    for (let index = 0; index < 5000; index++) await set(`k${index}`, 'v');
    await runtime.advance(10_000);
    expect(runtime.timers, 'an empty store needs no timer').toBe(0);
    await set('again', 'v');
    expect(runtime.timers).toBe(1);
    await store.close();
    expect(runtime.timers).toBe(0);
  });
});

describe('room', () => {
  test('is bounded in bytes: what was used longest ago makes room', async () => {
    const value = new Uint8Array(1000);
    const { get, set } = make({ maxBytes: 10 * (entryOverhead + 2 + 1000) });
    for (let index = 0; index < 10; index++) await set(`k${index}`, value);
    expect(await get('k0')).toMatchObject({ kind: 'hit' });
    await set('x0', value);
    await set('x1', value);
    const kinds = await Promise.all(
      ['k0', 'k1', 'k2', 'k3', 'k9', 'x0', 'x1'].map(async (key) => (await get(key)).kind),
    );
    expect(kinds).toEqual(['hit', 'miss', 'miss', 'hit', 'hit', 'hit', 'hit']);
  });

  test.each([
    ['written over', { kind: 'set', mode: 'set', value: Buffer.alloc(19), flags: 0, life }],
    ['joined to', { kind: 'set', mode: 'append', value: Buffer.alloc(18), flags: 0, life }],
    ['counted', { kind: 'count', delta: 10n ** 18n }],
  ])('is counted anew when an entry is %s', async (_how, grow) => {
    const { get, set, store } = make({ maxBytes: 30 * (entryOverhead + 3 + 19) });
    const keys = Array.from({ length: 30 }, (_, index) => `k${10 + index}`);
    for (const key of keys) await set(key, '1');
    for (const key of keys) await store.execute({ ...grow, key, deadline } as Operation);
    for (const key of keys) expect((await get(key)).kind).toBe('hit');
    await set('one', 'more');
    expect((await get('k10')).kind).toBe('miss');
    expect((await get('k11')).kind).toBe('hit');
  });

  test('placeholders count too: leases of missing keys do not fill the memory', async () => {
    const { get } = make({ maxBytes: 100 * (entryOverhead + 10) });
    for (let index = 0; index < 1000; index++) await get(`key${index}`, { lease: 60_000 });
    expect(await get('key999', { lease: 60_000 })).toMatchObject({ lease: 'lost' });
    expect(await get('key0', { lease: 60_000 })).toMatchObject({ lease: 'won' });
  });

  test('a value over maxValueBytes is refused by name, and takes the older one with it', async () => {
    const { get, set } = make({ maxValueBytes: 100 });
    expect((await set('k', 'v'.repeat(100))).kind).toBe('stored');
    expect(await set('k', 'v'.repeat(101))).toMatchObject({
      kind: 'failed',
      applied: 'no',
      error: {
        code: 'CISTERN_TOO_LARGE',
        message: expect.stringContaining(
          "101 bytes, but at most 100 are allowed ('maxValueBytes')",
        ) as string,
      },
    });
    expect((await get('k')).kind).toBe('miss');
    await set('k', 'v'.repeat(60));
    expect((await set('k', 'v'.repeat(60), { mode: 'append' })).kind).toBe('failed');
    expect((await get('k')).kind).toBe('miss');
  });

  test('a value that would not fit at all is refused', async () => {
    const { set } = make({ maxBytes: 4096 });
    expect(await set('k', new Uint8Array(4096))).toMatchObject({
      kind: 'failed',
      error: { code: 'CISTERN_TOO_LARGE' },
    });
    expect((await set('k', new Uint8Array(3000))).kind).toBe('stored');
  });

  test.each([
    [{ maxBytes: 100 }, 'maxBytes'],
    [{ maxBytes: 'much' }, 'maxBytes'],
    [{ maxValueBytes: 0 }, 'maxValueBytes'],
    [{ maxValueBytes: Number.NaN }, 'maxValueBytes'],
  ])('%j is refused at construction', (options, name) => {
    expect(() => memory(options as MemoryOptions)).toThrow(
      expect.objectContaining({
        code: 'CISTERN_OPTION',
        message: expect.stringContaining(`'${name}'`) as string,
      }),
    );
  });
});

describe('turns', () => {
  test('the value is copied as soon as execute is called', async () => {
    const { get, store } = make();
    const value = Buffer.from('mine');
    const answer = store.execute({ kind: 'set', mode: 'set', key: 'k', value, flags: 0, life, deadline });
    value.fill('!');
    await answer;
    expect(Buffer.from(((await get('k')) as { value: Uint8Array }).value).toString()).toBe('mine');
  });

  test('nothing is answered before the turn is over', async () => {
    const { get } = make();
    let answered = false;
    const answer = get('k').then(() => (answered = true));
    for (let microtask = 0; microtask < 50; microtask++) await Promise.resolve();
    expect(answered).toBe(false);
    await answer;
  });

  test('a turn carries out at most 1000 operations: the loop is free in between', async () => {
    const runtime = fakeRuntime({ seed: 1 });
    const store = memory({ runtime });
    let done = 0;
    const asked = Array.from({ length: 2500 }, async () => {
      await store.execute({ kind: 'get', key: 'k', deadline });
      done++;
    });
    const steps: number[] = [];
    while (done < 2500) {
      await new Promise<void>((resolve) => runtime.defer(resolve));
      steps.push(done);
    }
    await Promise.all(asked);
    expect(steps).toContain(1000);
    expect(steps).toContain(2000);
  });

  test('close fails what is pending, and forgets everything', async () => {
    const { store, get, set } = make();
    await set('k', 'v');
    const pending = get('k');
    await store.close();
    expect(await pending).toMatchObject({ kind: 'failed', applied: 'no', error: { code: 'CISTERN_CLOSED' } });
    expect(await get('k')).toMatchObject({ kind: 'failed', error: { code: 'CISTERN_CLOSED' } });
  });
});

test('a right is given back only as what it is', async () => {
  const { store, get, set } = make();
  const release = async (right: 'lease' | 'recache' | 'stale', cas: string): Promise<string> =>
    (await store.execute({ kind: 'release', key: 'k', right, cas, deadline } satisfies Operation)).kind;
  await set('k', 'v');
  const hit = (await get('k')) as { cas: string };
  expect([await release('lease', hit.cas), await release('stale', hit.cas)]).toEqual([
    'conflict',
    'conflict',
  ]);
  expect((await get('k')).kind).toBe('hit');
  const { cas } = (await get('other', { lease: 1000 })) as { cas: string };
  expect((await store.execute({ kind: 'release', key: 'other', right: 'recache', cas, deadline })).kind).toBe(
    'conflict',
  );
});

test('stores made alike do not share entries', async () => {
  const [one, other] = [make(), make()];
  await one.set('k', 'v');
  expect((await other.get('k')).kind).toBe('miss');
  expect(memory().name).toBe('memory');
  expect(memory({ name: 'local' }).name).toBe('local');
});
