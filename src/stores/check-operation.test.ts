import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation, Store } from '../core/store.ts';
import { fakeRuntime } from '../testing/fake-runtime.ts';
import { operationProblem } from './check-operation.ts';
import { memory } from './memory/memory.ts';
import { nothing } from './nothing.ts';

const deadline = Number.POSITIVE_INFINITY;
const life = { freshFor: 1, staleFor: 0 };

/** Operations of which single parts are anything at all. */
const almost = fc.record(
  {
    kind: fc.oneof(fc.constantFrom('get', 'set', 'delete', 'touch', 'count', 'release'), fc.anything()),
    key: fc.oneof(fc.constant('k'), fc.anything()),
    deadline: fc.oneof(fc.constant(deadline), fc.anything()),
    mode: fc.oneof(fc.constant('set'), fc.anything()),
    value: fc.oneof(fc.constant(new Uint8Array(1)), fc.anything()),
    flags: fc.oneof(fc.constant(0), fc.anything()),
    life: fc.oneof(fc.constant(life), fc.anything()),
    cas: fc.oneof(fc.constant('1'), fc.anything()),
    lease: fc.oneof(fc.constant(1), fc.anything()),
    recache: fc.oneof(fc.constant(1), fc.anything()),
    touch: fc.oneof(fc.constant(life), fc.anything()),
    staleFor: fc.oneof(fc.constant(1), fc.anything()),
    delta: fc.oneof(fc.constant(1n), fc.anything()),
    initial: fc.oneof(fc.constant({ value: 1n, life }), fc.anything()),
    right: fc.oneof(fc.constant('lease'), fc.anything()),
  },
  { requiredKeys: [] },
);

describe('whatever is handed over', () => {
  test.each<[string, () => Store]>([
    ['memory', () => memory({ runtime: fakeRuntime({ seed: 1 }) })],
    ['nothing', () => nothing({ runtime: fakeRuntime({ seed: 1 }) })],
  ])('%s answers, and fails what is no operation', async (_name, make) => {
    const store = make();
    let good = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: almost }, fc.anything()), async (anything) => {
        const operation = anything as Operation;
        const reply = await store.execute(operation);
        if (operationProblem(operation) === undefined) good++;
        else
          expect(reply).toMatchObject({ kind: 'failed', applied: 'no', error: expect.any(Error) as Error });
      }),
      { numRuns: 3000 },
    );
    expect(good, 'nothing was right by chance').toBeGreaterThan(10);
    await store.close();
  });

  test('an operation that throws when it is looked at is a failure too', async () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('hostile');
        },
      },
    ) as Operation;
    for (const store of [memory(), nothing()]) {
      expect(await store.execute(hostile)).toMatchObject({ kind: 'failed', error: { message: 'hostile' } });
      await store.close();
    }
  });

  test('the problem is named', () => {
    const named = (operation: object): string | undefined =>
      operationProblem({ key: 'k', deadline, ...operation } as Operation)?.message;
    expect(named({ kind: 'get' })).toBeUndefined();
    expect(named({ kind: 'get', key: 'a b' })).toContain("Key 'a b' is not printable ASCII");
    expect(named({ kind: 'get', key: 'k'.repeat(251) })).toContain('is longer than 250 characters');
    expect(named({ kind: 'get', lease: -1 })).toContain("'lease' is -1");
    expect(named({ kind: 'set', mode: 'put' })).toContain(
      "'mode' is 'put', but must be set, add, replace, append, prepend",
    );
    expect(named({ kind: 'fetch' })).toContain("'kind' is 'fetch'");
    expect(named({ kind: 'count', delta: 1 })).toContain("'delta' is 1, but must be a bigint");
    expect(named({ kind: 'release', right: 'all' })).toContain("'right' is 'all'");
  });
});
