import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, life, said, setOf, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Operation, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { hedged, type HedgedOptions, type HedgedStore } from './hedged.ts';

routeContract('hedged', 2, ([main, other], runtime) =>
  hedged(main!, other!, { after: 1, share: 1, runtime }),
);

/** A store whose answers take as long as the test says. */
class Slow implements Store {
  readonly name: string;
  readonly parts: readonly Store[] = [];
  readonly asked: Operation[] = [];
  /** Milliseconds until the answer is back. */
  takes = 0;
  fails = false;
  readonly inner: Store;
  readonly #runtime: FakeRuntime;

  constructor(name: string, inner: Store, runtime: FakeRuntime) {
    this.name = name;
    this.inner = inner;
    this.#runtime = runtime;
  }

  async execute(operation: Operation): Promise<Reply> {
    this.asked.push(operation);
    const { takes, fails } = this;
    const reply = await this.inner.execute(operation);
    if (takes > 0) await new Promise<void>((resolve) => void this.#runtime.after(takes, resolve));
    return fails ? { kind: 'failed', error: new Error('failed by the test'), applied: 'no' } : reply;
  }

  async close(): Promise<void> {
    await this.inner.close();
  }

  kinds(): string[] {
    return this.asked.splice(0).map((operation) => operation.kind);
  }
}

interface Rig {
  readonly runtime: FakeRuntime;
  readonly main: Slow;
  readonly other: Slow;
  readonly store: HedgedStore;
  readonly tell: (operation: Asked) => Promise<Reply>;
  /** The same, and how many milliseconds it took. */
  readonly timed: (operation: Asked) => Promise<readonly [string, number]>;
}

function rig(options: HedgedOptions = {}): Rig {
  const { runtime, stores } = world(2);
  const [main, other] = stores.map(
    (store, index) => new Slow(index === 0 ? 'main' : 'other', store, runtime),
  );
  const store = hedged(main!, other!, { after: 10, share: 1, runtime, ...options });
  const tell: Rig['tell'] = async (operation) => await ask(runtime, store, operation);
  return {
    runtime,
    main: main!,
    other: other!,
    store,
    tell,
    async timed(operation) {
      const began = runtime.clock.read();
      return [said(await tell(operation)), runtime.clock.read() - began];
    },
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };

describe('hedged', () => {
  test('a get that is answered in time is asked once', async () => {
    const { main, other, store, timed, runtime } = rig();
    main.takes = 9;
    expect(await timed(lease)).toEqual(['miss', 9]);
    await runtime.advance(100);
    expect([main.kinds(), other.kinds()]).toEqual([['get'], []]);
    expect(store.stats()).toEqual({ gets: 1, hedged: 0, won: 0, after: 10 });
  });

  test('a slow one is asked in the other store, and the first fresh entry is the answer', async () => {
    const { main, other, store, timed, runtime } = rig();
    for (const each of [main, other]) await ask(runtime, each.inner, setOf('k', each.name));
    main.takes = 200;
    other.takes = 5;
    expect(await timed(get)).toEqual(['other', 15]);
    expect(store.stats()).toMatchObject({ hedged: 1, won: 1 });
    other.takes = 500;
    expect(await timed(get)).toEqual(['main', 200]);
    await runtime.advance(1000);
    expect(store.stats()).toMatchObject({ gets: 2, hedged: 2, won: 1 });
  });

  test('of gets that are under way together only the slow ones are hedged', async () => {
    const { runtime, main, other, store } = rig();
    const deadline = runtime.clock.read() + 1000;
    main.takes = 100;
    const slow = store.execute({ ...get, deadline } as Operation);
    main.takes = 2;
    const quick = store.execute({ kind: 'get', key: 'quick', deadline });
    await runtime.until(Promise.all([slow, quick]));
    await runtime.advance(100);
    expect(other.asked.map(({ key }) => key)).toEqual(['k']);
  });

  test('a miss of the other store is no answer: the lease is the first one’s to give', async () => {
    const { main, other, timed, tell } = rig();
    main.takes = 50;
    expect(await timed(lease)).toEqual(['miss', 50]);
    expect(other.asked).toEqual([expect.not.objectContaining({ lease: 5000 })]);
    main.takes = 0;
    expect(await tell(lease)).toMatchObject({ lease: 'lost' });
  });

  test('what the late one has won is given back', async () => {
    const { runtime, main, other, tell } = rig();
    await ask(runtime, other.inner, setOf('k', 'v'));
    main.takes = 100;
    expect(said(await tell(lease))).toBe('v');
    await runtime.advance(200);
    expect(main.kinds()).toEqual(['get', 'release']);
    expect(await ask(runtime, main.inner, lease)).toMatchObject({ lease: 'won' });

    await ask(runtime, main.inner, setOf('k', 'v'));
    await ask(runtime, other.inner, { kind: 'delete', key: 'k', staleFor: 60_000 });
    expect(await tell({ ...get, recache: 1_000_000 } as Asked)).toMatchObject({ claim: 'won' });
    await runtime.advance(200);
    // A marked entry is no good answer, and its right goes back.
    expect(await ask(runtime, other.inner, get)).toMatchObject({ marked: true, claim: 'won' });
  });

  test('if the first fails while the other is asked, any answer of that is better', async () => {
    const { main, other, tell, timed } = rig();
    main.takes = 20;
    main.fails = true;
    other.takes = 30;
    expect(await timed(lease)).toEqual(['miss', 40]);
    other.fails = true;
    expect(await tell(get)).toMatchObject({ kind: 'failed', applied: 'no' });
    // Failing fast is not being slow: other routes are for that.
    main.takes = 0;
    other.fails = false;
    expect(await timed(get)).toEqual(['failed', 0]);
  });

  test('no more than the share of the gets is hedged, but for a first few', async () => {
    const { runtime, main, store } = rig({ share: 0.1 });
    main.takes = 20;
    for (let round = 0; round < 100; round++) {
      const deadline = runtime.clock.read() + 1000;
      const asked = Array.from(
        { length: 10 },
        async () => await store.execute({ ...get, deadline } as Operation),
      );
      await runtime.until(Promise.all(asked));
    }
    expect(store.stats().gets).toBe(1000);
    expect(store.stats().hedged).toBeGreaterThanOrEqual(100);
    expect(store.stats().hedged).toBeLessThanOrEqual(110);
    expect(store.stats().after).toBe(10);
  });

  test('by a percentile the delay follows the last few hundred gets, and there is none before', async () => {
    const { runtime, main, other, store, timed } = rig({ after: undefined as never, percentile: 0.9 });
    expect(store.stats().after).toBeUndefined();
    main.takes = 200;
    await timed(get);
    expect(other.kinds()).toEqual([]);
    for (let number = 0; number < 499; number++) {
      main.takes = number % 5 === 0 ? 30 : 4;
      await timed(get);
    }
    expect(Math.abs(store.stats().after! - 30)).toBeLessThan(2.2);
    await ask(runtime, other.inner, setOf('k', 'v'));
    main.takes = 100;
    const [value, took] = await timed(get);
    expect(value).toBe('v');
    expect(took).toBeLessThan(35);
    // When all get slower, or faster, that is the new usual.
    const again = async (takes: number): Promise<void> => {
      main.takes = takes;
      for (let number = 0; number < 500; number++) await timed(get);
      await runtime.advance(1000);
    };
    await again(100);
    expect(store.stats().after).toBeGreaterThan(90);
    await again(8);
    await again(8);
    expect(store.stats().after).toBeLessThan(10);
    await again(0);
    await again(0);
    expect(store.stats().after).toBe(1);
  });

  test('what goes by a CAS goes to the store that gave it; deletes and touches go to both', async () => {
    const { runtime, main, other, tell } = rig();
    await ask(runtime, other.inner, setOf('k', 'v'));
    main.takes = 50;
    const { cas } = (await tell(get)) as HitReply;
    await runtime.advance(100);
    main.takes = 0;
    expect(cas).toMatch(/^1:/);
    main.kinds();
    other.kinds();
    expect((await tell(setOf('k', 'w', { cas }))).kind).toBe('stored');
    expect([main.kinds(), other.kinds()]).toEqual([[], ['set']]);
    const { cas: won } = (await tell(lease)) as MissReply;
    await tell(setOf('k', 'x', { cas: won }));
    await tell(setOf('k', 'y'));
    await tell({ kind: 'count', key: 'k', delta: 1n });
    expect([main.kinds(), other.kinds()]).toEqual([['get', 'set', 'set', 'count'], []]);
    expect((await tell({ kind: 'touch', key: 'k', life })).kind).toBe('stored');
    expect((await tell({ kind: 'delete', key: 'k' })).kind).toBe('stored');
    expect([main.kinds(), other.kinds()]).toEqual([
      ['touch', 'delete'],
      ['touch', 'delete'],
    ]);
    other.fails = true;
    expect((await tell({ kind: 'delete', key: 'k' })).kind).toBe('failed');
    expect((await tell({ kind: 'delete', key: 'k', cas: '7:1' })).kind).toBe('conflict');
  });

  test('a record that is known by its copy is the first store’s', async () => {
    const { runtime, main, other, timed, tell } = rig();
    main.takes = 50;
    expect(await timed({ ...get, copy: 1 })).toEqual(['miss', 50]);
    await tell({ kind: 'delete', key: 'k', copy: 0 });
    await runtime.advance(100);
    expect(other.asked).toEqual([]);
  });

  test('closing ends the watch: no timer is left', async () => {
    const { runtime } = world(0);
    const silent: Store = {
      name: 'silent',
      parts: [],
      execute: async () => await new Promise<Reply>(() => undefined),
      close: async () => undefined,
    };
    const store = hedged(silent, memory({ runtime }), { after: 10, runtime });
    void store.execute({ ...get, deadline: runtime.clock.read() + 1000 } as Operation);
    expect(runtime.timers).toBe(1);
    await runtime.until(store.close());
    expect(runtime.timers).toBe(0);
  });

  test.each<[object, RegExp]>([
    [{ after: 0 }, /'after' is 0/],
    [{ percentile: 0.2 }, /'percentile' is 0.2/],
    [{ percentile: 1 }, /'percentile' is 1/],
    [{ least: 0 }, /'least' is 0/],
    [{ share: -1 }, /'share' is -1/],
    [{ when: 1 }, /'when' is 1/],
  ])('%j is refused', (options, saying) => {
    expect(() => hedged(memory(), memory(), options)).toThrow(saying);
  });
});
