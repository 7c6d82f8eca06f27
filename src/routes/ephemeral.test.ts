import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, setOf, world } from '../../test/routes/wire.ts';
import type { HitReply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { ephemeral, type EphemeralOptions } from './ephemeral.ts';

routeContract('ephemeral, with the longest ceiling', 1, ([store]) => ephemeral(store!, { ttl: '30d' }));

const cut = 'what lives longer than the ceiling is cut to it';
routeContract(
  'ephemeral',
  1,
  ([store]) => ephemeral(store!, { ttl: '2h' }),
  Object.fromEntries(
    [
      'a hit tells the freshness and the life that are left',
      'no entry lives longer than 30 days: the ceiling clamps both shares',
      'the ceiling holds for touches, leases, marks and counts too',
    ].map((law) => [law, cut]),
  ),
);

const month = { freshFor: 30 * 24 * 3_600_000, staleFor: 0 };

function rig(ttl: EphemeralOptions['ttl']): { runtime: FakeRuntime; store: Store; bare: Store } {
  const { runtime, stores } = world(1);
  return { runtime, store: ephemeral(stores[0]!, { ttl }), bare: stores[0]! };
}

describe('ephemeral', () => {
  test.each<[string, readonly Asked[]]>([
    ['a set', [setOf('k', '7', { life: month })]],
    ['a touch', [setOf('k', '7'), { kind: 'touch', key: 'k', life: month }]],
    ['a get that touches', [setOf('k', '7'), { kind: 'get', key: 'k', touch: month }]],
    ['a mark of staleness', [setOf('k', '7'), { kind: 'delete', key: 'k', staleFor: month.freshFor }]],
    ['a counter that is made', [{ kind: 'count', key: 'k', delta: 1n, initial: { value: 7n, life: month } }]],
  ])('%s does not let an entry live longer', async (_what, operations) => {
    const { runtime, store, bare } = rig('30s');
    for (const operation of operations) await ask(runtime, store, operation);
    expect(((await ask(runtime, bare, { kind: 'get', key: 'k' })) as HitReply).expiresIn).toBe(30_000);
  });

  test('an entry that has aged is reloaded by one, however high the threshold; a fresh one is not', async () => {
    const { runtime, store } = rig('10s');
    await ask(runtime, store, setOf('k', 'v', { life: { freshFor: 4000, staleFor: 60_000 } }));
    const eager: Asked = { kind: 'get', key: 'k', recache: 60_000 };
    expect(await ask(runtime, store, eager)).toMatchObject({
      claim: 'none',
      freshFor: 4000,
      expiresIn: 10_000,
    });
    await runtime.advance(4000);
    expect(await ask(runtime, store, eager)).toMatchObject({ claim: 'won', freshFor: 0 });
    expect(await ask(runtime, store, eager)).toMatchObject({ claim: 'lost' });
    expect(await ask(runtime, store, { kind: 'get', key: 'k' })).toMatchObject({ claim: 'lost' });
  });

  test('an operation without too long a life is handed on as it is, and so is the promise', () => {
    const inner = ephemeral(memory(), { ttl: '1m' });
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    inner.execute = () => promise;
    expect(ephemeral(inner, { ttl: '1m' }).execute({ kind: 'get', key: 'k', deadline: 1 })).toBe(promise);
  });

  test.each([0, '31d', 'soon', undefined])('a ttl of %j is refused', (ttl) => {
    expect(() => ephemeral(memory(), { ttl: ttl as never })).toThrow(/Option 'ttl' is/);
  });
});
