import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { life, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { limited, type LimitedOptions } from './limited.ts';

routeContract('limited', 1, ([store], runtime) =>
  limited(store!, { outstanding: 10_000, perSecond: 1_000_000, runtime }),
);

interface Rig {
  readonly runtime: FakeRuntime;
  readonly wire: Wire;
  readonly store: Store;
  /** Asks all of them in one turn. */
  readonly tell: (...operations: readonly object[]) => Promise<readonly Reply[]>;
}

function rig(options: LimitedOptions): Rig {
  const { runtime, wires } = world(1);
  const store = limited(wires[0]!, { runtime, ...options });
  return {
    runtime,
    wire: wires[0]!,
    store,
    tell: async (...operations) =>
      await runtime.until(
        Promise.all(
          operations.map((each) => store.execute({ key: 'k', deadline: 1e15, ...each } as Operation)),
        ),
      ),
  };
}

const get = { kind: 'get' };
const kinds = (replies: readonly Reply[]): string[] => replies.map((reply) => reply.kind);

describe('limited', () => {
  test('one more than may be outstanding fails at once, unsent; when one is answered there is room again', async () => {
    const { wire, tell } = rig({ outstanding: 2 });
    const replies = await tell(get, get, get, get);
    expect(kinds(replies)).toEqual(['miss', 'miss', 'failed', 'failed']);
    expect(replies[3]).toMatchObject({ applied: 'no', error: { code: 'CISTERN_OVERLOADED' } });
    expect(String((replies[3] as { error: Error }).error)).toContain(
      "limited has 2 operations under way already ('outstanding')",
    );
    expect(wire.asked).toHaveLength(2);
    expect(kinds(await tell(get, get))).toEqual(['miss', 'miss']);
    wire.down();
    await tell(get, get);
    wire.up();
    expect(kinds(await tell(get, get, get))).toEqual(['miss', 'miss', 'failed']);
  });

  test('no more than so many per second, and a burst after a pause', async () => {
    const { runtime, tell } = rig({ perSecond: 10, burst: 3 });
    expect(kinds(await tell(get, get, get, get))).toEqual(['miss', 'miss', 'miss', 'failed']);
    await runtime.advance(100);
    expect(kinds(await tell(get, get))).toEqual(['miss', 'failed']);
    await runtime.advance(60_000);
    const replies = await tell(get, get, get, get);
    expect(kinds(replies)).toEqual(['miss', 'miss', 'miss', 'failed']);
    expect(String((replies[3] as { error: Error }).error)).toContain(
      "10 operations per second under way already ('perSecond')",
    );
  });

  test('over any time no more pass than the rate and one burst allow, and no fewer than could', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 30 })), {
          maxLength: 20,
        }),
        async (perSecond, burst, steps) => {
          const { runtime, tell } = rig({ perSecond, burst });
          let passed = 0;
          let elapsed = 0;
          let tokens = burst;
          for (const [pause, count] of steps) {
            await runtime.advance(pause);
            elapsed += pause;
            tokens = Math.min(burst, tokens + (pause * perSecond) / 1000);
            const now = kinds(await tell(...Array.from({ length: count }, () => get)));
            const through = now.filter((kind) => kind === 'miss').length;
            expect(through).toBeLessThanOrEqual(Math.min(count, tokens + 1e-6));
            expect(through).toBeGreaterThanOrEqual(Math.min(count, Math.floor(tokens - 1e-6)));
            tokens -= through;
            passed += through;
          }
          expect(passed).toBeLessThanOrEqual(burst + (elapsed * perSecond) / 1000 + 1e-6);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('an invalidation is never refused', async () => {
    const { tell } = rig({ outstanding: 1, perSecond: 1, burst: 1 });
    const touch = { kind: 'touch', life };
    const release = { kind: 'release', right: 'lease', cas: '1' };
    expect(kinds(await tell(get, { kind: 'delete' }, touch, release, setOf('k', 'v')))).toEqual([
      'miss',
      'notFound',
      'notFound',
      'notFound',
      'failed',
    ]);
  });

  test('only the kinds that are named are counted', async () => {
    const { tell } = rig({ outstanding: 1, operations: ['set'] });
    expect(kinds(await tell(get, setOf('k', 'v'), get, get, setOf('k', 'v')))).toEqual([
      'miss',
      'stored',
      'hit',
      'hit',
      'failed',
    ]);
  });

  test('the promise of a store that keeps the contract is handed on', () => {
    const inner = limited(memory(), { outstanding: 1 });
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    inner.execute = () => promise;
    expect(limited(inner, { outstanding: 1 }).execute({ kind: 'get', key: 'k', deadline: 1 })).toBe(promise);
  });

  test.each<[object, RegExp]>([
    [{}, /'outstanding' is undefined.* without either there is no limit/],
    [{ outstanding: 0 }, /'outstanding' is 0/],
    [{ perSecond: 0 }, /'perSecond' is 0/],
    [{ perSecond: Number.NaN }, /'perSecond' is NaN/],
    [{ perSecond: 5, burst: 0.5 }, /'burst' is 0.5/],
    [{ outstanding: 5, burst: 5 }, /'burst' is 5.* left out/],
    [{ outstanding: 5, operations: ['delete'] }, /'operations' is \['delete'\]/],
    [{ outstanding: 5, queue: 5 }, /'queue' is 5/],
  ])('%j is refused', (options, said) => {
    expect(() => limited(memory(), options)).toThrow(said);
  });
});
