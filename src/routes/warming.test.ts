import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, type Asked, life, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { warming, type WarmingOptions } from './warming.ts';

routeContract('warming', 2, ([cold, warm]) => warming(cold!, warm!), {
  'operations of one turn on one key happen in the order in which they were asked':
    'what depends on an entry looks for it in the warm pool first, and a delete is done there first',
  'answers settle in the order in which they were asked':
    'the first miss looks into the warm pool; those who lost its lease do not',
});

interface Rig {
  readonly runtime: FakeRuntime;
  readonly cold: Wire;
  readonly warm: Wire;
  readonly tell: (operation: Asked) => Promise<Reply>;
  /** Asks the store behind one of the wires. */
  readonly behind: (part: 'cold' | 'warm', operation: Asked) => Promise<Reply>;
}

function rig(options: WarmingOptions = {}): Rig {
  const { runtime, wires, stores } = world(2);
  const [cold, warm] = wires as [Wire, Wire];
  const store = warming(cold, warm, options);
  return {
    runtime,
    cold,
    warm,
    tell: async (operation) => await ask(runtime, store, operation),
    behind: async (part, operation) => await ask(runtime, stores[part === 'cold' ? 0 : 1]!, operation),
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };
const remove: Asked = { kind: 'delete', key: 'k' };

describe('warming', () => {
  test.each([get, lease])('copies what the warm pool has, with the life that is left: %j', async (read) => {
    const { runtime, cold, warm, tell, behind } = rig();
    await behind('warm', setOf('k', 'v', { flags: 7, life: { freshFor: 60_000, staleFor: 30_000 } }));
    await runtime.advance(10_000);
    const hit = (await tell(read)) as HitReply;
    expect(hit).toMatchObject({
      flags: 7,
      freshFor: 50_000,
      expiresIn: 80_000,
      claim: 'none',
      marked: false,
    });
    expect(said(hit)).toBe('v');
    expect([cold.kinds(), warm.kinds()]).toEqual([['get', 'get', 'set'], ['get']]);
    // From then on the cold pool answers alone, and by the same CAS.
    const again = (await tell(read)) as HitReply;
    expect([said(again), again.cas]).toEqual(['v', hit.cas]);
    expect(again).toMatchObject({ flags: 7, freshFor: 50_000, expiresIn: 80_000 });
    expect([cold.kinds(), warm.kinds()]).toEqual([['get'], []]);
    expect((await tell(setOf('k', 'w', { cas: hit.cas }))).kind).toBe('stored');
  });

  test('where neither has the entry, a lease is the cold pool’s, and a plain get leaves none behind', async () => {
    const { tell, behind } = rig();
    expect(await tell(get)).toEqual({ kind: 'miss', lease: 'none', cas: '' });
    const won = (await tell(lease)) as MissReply;
    expect(won.lease).toBe('won');
    expect(await tell(lease)).toMatchObject({ lease: 'lost', cas: won.cas });
    expect((await tell(setOf('k', 'loaded', { cas: won.cas }))).kind).toBe('stored');
    expect(said(await behind('cold', get))).toBe('loaded');
    expect((await behind('warm', get)).kind).toBe('miss');
  });

  test('a get that wants no lease while somebody copies is answered from the warm pool', async () => {
    const { cold, tell, behind } = rig();
    await behind('warm', setOf('k', 'v'));
    await behind('cold', lease);
    expect(await tell(get)).toMatchObject({ kind: 'hit', cas: '' });
    expect(await tell(lease)).toMatchObject({ kind: 'miss', lease: 'lost' });
    expect(cold.kinds().includes('set')).toBe(false);
  });

  test.each<[string, readonly Asked[]]>([
    ['aged', [setOf('k', 'v', { life: { freshFor: 0, staleFor: 60_000 } })]],
    ['marked', [setOf('k', 'v'), { kind: 'delete', key: 'k', staleFor: 60_000 }]],
    ['being reloaded', [setOf('k', 'v'), { kind: 'get', key: 'k', recache: 1_000_000 }]],
    ['a placeholder', [lease]],
  ])('nothing is copied that is %s, and its rights are left to the warm pool', async (_what, operations) => {
    const { runtime, tell, behind } = rig();
    for (const each of operations) await behind('warm', each);
    const before = await behind('warm', lease);
    if (before.kind === 'hit' && before.claim === 'won')
      await behind('warm', { kind: 'release', key: 'k', right: 'stale', cas: before.cas });
    expect(await tell(lease)).toMatchObject({ kind: 'miss', lease: 'won' });
    await runtime.settle();
    expect(said(await behind('cold', get))).toBe('miss');
    // Neither was a right taken by looking.
    const now = await behind('warm', lease);
    expect(now).toMatchObject(before.kind === 'hit' ? { claim: before.claim } : { lease: 'lost' });
  });

  test('after a delete nothing is copied for the hold-off: the warm pool may not know of it yet', async () => {
    const { runtime, warm, tell, behind } = rig({ clean: false });
    await behind('warm', setOf('k', 'old'));
    expect((await tell(remove)).kind).toBe('notFound');
    warm.kinds();
    expect(await tell(lease)).toMatchObject({ kind: 'miss', lease: 'won' });
    expect(await tell(get)).toMatchObject({ kind: 'miss' });
    expect(warm.kinds()).toEqual([]);
    await runtime.advance(1999);
    expect(await tell(get)).toMatchObject({ kind: 'miss' });
    // Meanwhile the invalidation has reached the warm pool, and that has loaded again.
    await behind('warm', setOf('k', 'new'));
    await runtime.advance(5000);
    expect(said(await tell(get))).toBe('new');
  });

  test('a soft delete holds off, too: what is stale must not be copied as fresh', async () => {
    const { tell, behind } = rig({ clean: false });
    await behind('warm', setOf('k', 'old'));
    await tell({ kind: 'delete', key: 'k', staleFor: 60_000 });
    expect((await tell(get)).kind).toBe('miss');
  });

  test('a delete is done in the warm pool before it is in the cold one, and confirmed by all or not at all', async () => {
    const { cold, warm, tell } = rig();
    const order: string[] = [];
    cold.fate = ({ kind }) => void order.push(`cold ${kind}`) as undefined;
    warm.fate = ({ kind }) => void order.push(`warm ${kind}`) as undefined;
    await tell(setOf('k', 'v'));
    order.length = 0;
    expect((await tell(remove)).kind).toBe('stored');
    expect(order).toEqual(['cold set', 'warm delete', 'cold delete']);
    warm.down();
    expect(await tell(remove)).toMatchObject({ kind: 'failed', applied: 'unknown' });
    warm.up();
    cold.fate = ({ kind }) => (kind === 'set' ? 'unsent' : undefined);
    expect((await tell(remove)).kind).toBe('failed');
    cold.up();
    expect((await tell(remove)).kind).toBe('notFound');
  });

  test.each<[string, (cas: string) => Asked]>([
    ['a plain set', () => setOf('k', 'new')],
    ['a fill', (cas) => setOf('k', 'new', { cas })],
  ])('%s removes what the warm pool has: the cold one may lose its entry', async (_what, write) => {
    const { runtime, tell, behind } = rig({ holdOff: 1 });
    const { cas } = (await tell(lease)) as MissReply;
    await behind('warm', setOf('k', 'old'));
    expect((await tell(write(cas))).kind).toBe('stored');
    await behind('cold', remove);
    await runtime.advance(1000);
    expect((await tell(get)).kind).toBe('miss');
  });

  test.each<[string, Asked, string, string]>([
    ['an add', setOf('k', '1', { mode: 'add' }), 'notStored', '5'],
    ['a replace', setOf('k', '1', { mode: 'replace' }), 'stored', '1'],
    ['an append', setOf('k', '1', { mode: 'append' }), 'stored', '51'],
    ['a count', { kind: 'count', key: 'k', delta: 2n, initial: { value: 0n, life } }, '7', '7'],
    ['a touch', { kind: 'touch', key: 'k', life }, 'stored', '5'],
  ])('%s finds what is still in the warm pool', async (_what, operation, answer, left) => {
    const { tell, behind } = rig();
    await behind('warm', setOf('k', '5'));
    expect(said(await tell(operation))).toBe(answer);
    expect(said(await behind('cold', get))).toBe(left);
    expect((await behind('warm', get)).kind).toBe('miss');
  });

  test('a get that touches gives the copy a new life, of which the stale share stays', async () => {
    const { tell, behind } = rig();
    await behind('warm', setOf('k', 'v', { life: { freshFor: 5000, staleFor: 10_000 } }));
    const touch = { freshFor: 60_000, staleFor: 0 };
    expect(await tell({ kind: 'get', key: 'k', touch })).toMatchObject({
      freshFor: 50_000,
      expiresIn: 60_000,
    });
  });

  test('a copy that comes too late is no answer: somebody has invalidated meanwhile', async () => {
    const { warm, tell, behind, runtime } = rig();
    await behind('warm', setOf('k', 'old'));
    warm.fate = () => {
      // While the answer of the warm pool is on its way.
      void behindNow();
      return undefined;
    };
    const behindNow = async (): Promise<void> => void (await behind('cold', remove));
    expect(await tell(lease)).toEqual({ kind: 'miss', lease: 'none', cas: '' });
    await runtime.settle();
    expect((await behind('cold', get)).kind).toBe('miss');
  });

  test('a record that is known by its copy is copied, and never removed from the warm pool', async () => {
    const { warm, tell, behind } = rig();
    await behind('warm', setOf('k', 'record'));
    expect(said(await tell({ ...get, copy: 0 }))).toBe('record');
    const { cas } = (await tell({ ...get, copy: 0 })) as HitReply;
    await tell({ ...setOf('k', 'newer', { cas }), copy: 0 } as Asked);
    expect(warm.kinds()).toEqual(['get']);
  });

  test('a warm pool that fails costs nothing but the load; a cold one that fails has failed', async () => {
    const { cold, warm, tell } = rig();
    warm.down();
    expect(await tell(lease)).toMatchObject({ kind: 'miss', lease: 'won' });
    warm.up();
    cold.down();
    expect((await tell(lease)).kind).toBe('failed');
  });

  test('options are checked', () => {
    const make = (options: object): Store => warming(memory(), memory(), options);
    expect(() => make({ holdOff: 0 })).toThrow(/'holdOff' is 0/);
    expect(() => make({ clean: 1 })).toThrow(/'clean' is 1/);
    expect(() => make({ holdoff: 1 })).toThrow(/'holdoff' is 1/);
    expect(() => warming(memory(), 7 as unknown as Store)).toThrow(/'warm' is 7/);
  });
});
