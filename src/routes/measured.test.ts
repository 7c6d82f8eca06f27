import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, life, setOf, world } from '../../test/routes/wire.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import { reliable } from '../core/reliable.ts';
import { measured } from './measured.ts';

routeContract('measured', 1, ([store], runtime) => measured(store!, { runtime }));

describe('measured', () => {
  test('counts by operation and reply, and failures by code', async () => {
    const { runtime, wires } = world(1);
    const store = measured(wires[0]!, { runtime });
    expect(store.stats()).toEqual({ underWay: 0, operations: {}, failures: {} });
    await ask(runtime, store, { kind: 'get', key: 'k' });
    await ask(runtime, store, setOf('k', 'v'));
    await ask(runtime, store, { kind: 'get', key: 'k' });
    await ask(runtime, store, { kind: 'get', key: 'k' });
    await ask(runtime, store, { kind: 'touch', key: 'other', life });
    wires[0]!.down();
    await ask(runtime, store, { kind: 'delete', key: 'k' });
    const { operations, failures, underWay } = store.stats();
    const counts = Object.entries(operations).map(([kind, { count, replies }]) => [
      kind,
      count,
      Object.fromEntries(Object.entries(replies).map(([reply, each]) => [reply, each.count])),
    ]);
    expect(counts).toEqual([
      ['get', 3, { hit: 2, miss: 1 }],
      ['set', 1, { stored: 1 }],
      ['delete', 1, { failed: 1 }],
      ['touch', 1, { notFound: 1 }],
    ]);
    expect([failures, underWay]).toEqual([{ CISTERN_UNAVAILABLE: 1 }, 0]);
  });

  test('tells how long it took, and how much is under way', async () => {
    const { runtime } = world(0);
    const slow: Store = {
      name: 'slow',
      parts: [],
      execute: async ({ key }) =>
        await new Promise<Reply>((resolve) => {
          runtime.after(Number(key), () => resolve({ kind: 'notFound' }));
        }),
      close: async () => undefined,
    };
    const store = measured(slow, { runtime });
    const asked = Array.from({ length: 100 }, async (_, index) => {
      return await store.execute({ kind: 'delete', key: String(index + 1), deadline: 1e15 });
    });
    await runtime.advance(40);
    expect(store.stats().underWay).toBe(60);
    await runtime.until(Promise.all(asked));
    const { mean, p50, p90, p99, most } = store.stats().operations.delete!;
    expect([mean, most]).toEqual([50.5, 100]);
    for (const [told, exact] of [
      [p50, 50],
      [p90, 90],
      [p99, 99],
    ] as const)
      expect(Math.abs(told - exact)).toBeLessThan(exact * 0.07);
    expect(store.stats().operations.delete!.replies.notFound).toMatchObject({ count: 100, most: 100 });
  });

  test('the promise of a store that keeps the contract is handed on; what is no operation is not counted', () => {
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    const inner: Store = reliable({
      name: 'x',
      parts: [],
      execute: () => promise,
      close: async () => undefined,
    });
    const store = measured(inner);
    expect(store.execute({ kind: 'get', key: 'k', deadline: 1 })).toBe(promise);
    expect(store.execute({ kind: 'fetch', key: 'k' } as unknown as Operation)).toBe(promise);
    expect(store.stats().underWay).toBe(1);
  });

  test('options are checked', () => {
    expect(() => measured(memory(), { runtimes: 1 } as object)).toThrow(/'runtimes' is 1/);
    expect(() => measured(7 as unknown as Store)).toThrow(/'store' is 7/);
  });
});
