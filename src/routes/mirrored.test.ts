import { describe, expect, test } from 'vitest';
import { ask, type Asked, dead, life, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, MissReply, Reply, Store } from '../core/store.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { mirrored, type MirroredOptions } from './mirrored.ts';

interface Rig {
  readonly runtime: FakeRuntime;
  readonly wires: readonly [Wire, Wire, Wire];
  readonly stores: readonly Store[];
  readonly store: Store;
  readonly tell: (operation: Asked) => Promise<Reply>;
  /** What each pool has, without a trace. */
  readonly kept: (key?: string) => Promise<readonly string[]>;
  readonly kinds: () => readonly (readonly string[])[];
}

function rig(options: MirroredOptions = {}): Rig {
  const { runtime, wires, stores } = world(3);
  const store = mirrored(wires, options);
  return {
    runtime,
    wires: wires as unknown as Rig['wires'],
    stores,
    store,
    tell: async (operation) => await ask(runtime, store, operation),
    async kept(key = 'k') {
      await runtime.settle();
      return await Promise.all(
        stores.map(async (each) => said(await ask(runtime, each, { kind: 'get', key }))),
      );
    },
    kinds: () => wires.map((wire) => wire.kinds()),
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };
const remove: Asked = { kind: 'delete', key: 'k' };

describe('reads of mirrored pools', () => {
  test('stay in the own pool while that has the entry', async () => {
    const { tell, kinds } = rig({ readFrom: 'b' });
    await tell(setOf('k', 'v'));
    kinds();
    expect(said(await tell(lease))).toBe('v');
    expect(said(await tell({ kind: 'get', key: 'k', recache: 1000 }))).toBe('v');
    expect(kinds()).toEqual([[], ['get', 'get'], []]);
  });

  test('go on to the others while one after the other fails, each asked once', async () => {
    const { wires, tell, kinds } = rig({ readFrom: 1 });
    await tell(setOf('k', 'v'));
    kinds();
    wires[1].down();
    expect(await tell(lease)).toMatchObject({ kind: 'hit', cas: expect.not.stringContaining(':') as string });
    wires[0].down();
    expect(await tell(lease)).toMatchObject({ kind: 'hit', cas: expect.stringMatching(/^2:/) as string });
    wires[2].fate = () => 'lost';
    expect(await tell(get)).toMatchObject({ kind: 'failed', applied: 'no' });
    expect(kinds()).toEqual([
      ['get', 'get', 'get'],
      ['get', 'get', 'get'],
      ['get', 'get'],
    ]);
  });

  test('a pool that has lost its entries costs no load: another has the entry, and the lease is given back', async () => {
    const { runtime, stores, tell, kinds, kept } = rig();
    await tell(setOf('k', 'v'));
    await ask(runtime, stores[0]!, remove);
    kinds();
    expect(said(await tell(lease))).toBe('v');
    await runtime.settle();
    expect(kinds()).toEqual([['get', 'release'], ['get'], ['get']]);
    // It is not carried over: an invalidation may have passed in between.
    expect(await kept()).toEqual(['miss', 'v', 'v']);
    expect(await ask(runtime, stores[0]!, lease)).toMatchObject({ lease: 'won' });
  });

  test('a plain get asks one pool after the other, until one has the entry', async () => {
    const { runtime, stores, tell, kinds } = rig();
    await ask(runtime, stores[1]!, setOf('k', 'v'));
    expect(said(await tell(get))).toBe('v');
    expect(kinds()).toEqual([['get'], ['get'], []]);
    expect(await tell({ kind: 'get', key: 'other' })).toEqual({ kind: 'miss', lease: 'none', cas: '' });
  });

  test('a fresh entry is preferred to one that is marked; the right to that is given back', async () => {
    const { runtime, stores, tell } = rig();
    await ask(runtime, stores[1]!, setOf('k', 'old'));
    await ask(runtime, stores[1]!, { kind: 'delete', key: 'k', staleFor: 60_000 });
    await ask(runtime, stores[2]!, setOf('k', 'new'));
    expect(await tell(lease)).toMatchObject({ kind: 'hit', claim: 'none', marked: false });
    await runtime.settle();
    expect(await ask(runtime, stores[1]!, get)).toMatchObject({ marked: true, claim: 'won' });
  });
});

describe('of rights in several pools', () => {
  test('that in the first pool of the list counts: who lost it there does not load', async () => {
    const { runtime, wires, stores, tell } = rig();
    await tell(setOf('k', 'old'));
    await tell({ kind: 'delete', key: 'k', staleFor: 60_000 });
    expect(await ask(runtime, stores[0]!, get)).toMatchObject({ claim: 'won' });
    const zone = mirrored(wires, { readFrom: 1 });
    expect(await ask(runtime, zone, lease)).toMatchObject({ kind: 'hit', claim: 'lost', marked: true });
  });

  test('an old entry elsewhere is better than none: its winner loads for all', async () => {
    const { runtime, stores, tell, kept } = rig();
    await ask(runtime, stores[2]!, setOf('k', 'old'));
    await ask(runtime, stores[2]!, { kind: 'delete', key: 'k', staleFor: 60_000 });
    const won = (await tell(lease)) as HitReply;
    expect([said(won), won.claim, won.marked]).toEqual(['old', 'won', true]);
    expect((await tell(setOf('k', 'new', { cas: won.cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['new', 'new', 'new']);
  });
});

describe('one load fills all', () => {
  test('after a miss: each pool by its own CAS', async () => {
    const { tell, kinds, kept } = rig({ readFrom: 2 });
    const won = (await tell(lease)) as MissReply;
    expect(won.lease).toBe('won');
    expect(await tell(lease)).toEqual({ kind: 'miss', lease: 'lost', cas: won.cas });
    kinds();
    expect((await tell(setOf('k', 'v', { cas: won.cas }))).kind).toBe('stored');
    expect(kinds()).toEqual([['set'], ['set'], ['set']]);
    expect(await kept()).toEqual(['v', 'v', 'v']);
  });

  test('after a right to reload was won in the own pool', async () => {
    const { tell, kept } = rig();
    await tell(setOf('k', 'old'));
    const won = (await tell({ ...lease, recache: 1_000_000 } as Asked)) as HitReply;
    expect([won.claim, said(won)]).toEqual(['won', 'old']);
    expect((await tell(setOf('k', 'new', { cas: won.cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['new', 'new', 'new']);
  });

  test('after a mark of staleness, whose right is won by one for all', async () => {
    const { runtime, tell, wires, kept } = rig();
    await tell(setOf('k', 'old'));
    await tell({ kind: 'delete', key: 'k', staleFor: 60_000 });
    const won = (await tell(lease)) as HitReply;
    expect([won.claim, won.marked]).toEqual(['won', true]);
    const other = mirrored(wires, { readFrom: 1 });
    expect(await ask(runtime, other, lease)).toMatchObject({ claim: 'lost' });
    expect((await tell(setOf('k', 'new', { cas: won.cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['new', 'new', 'new']);
  });

  test('where somebody has invalidated since the win, the fill is refused, in that pool alone', async () => {
    const { runtime, stores, tell, kept } = rig();
    const { cas } = (await tell(lease)) as MissReply;
    await ask(runtime, stores[1]!, remove);
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['v', 'miss', 'v']);
  });

  test('where somebody has stored something else since the win, that goes: which is newer is not known', async () => {
    const { runtime, stores, tell, kept } = rig();
    const { cas } = (await tell(lease)) as MissReply;
    await ask(runtime, stores[1]!, setOf('k', 'other'));
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['v', 'miss', 'v']);
  });

  test('a fill that the deciding pool refuses removes nothing elsewhere', async () => {
    const { runtime, stores, tell, kept } = rig();
    const { cas } = (await tell(lease)) as MissReply;
    for (const store of [stores[0]!, stores[1]!]) await ask(runtime, store, setOf('k', 'other'));
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('conflict');
    expect(await kept()).toEqual(['other', 'other', 'v']);
  });

  test('a pool that failed at the win is left alone, and the write is not confirmed', async () => {
    for (const [writes, answer] of [
      ['all', 'failed'],
      ['quorum', 'stored'],
      ['one', 'stored'],
    ] as const) {
      const { wires, tell, kinds, kept } = rig({ writes });
      wires[1].down();
      const { cas } = (await tell(lease)) as MissReply;
      wires[1].up();
      kinds();
      expect((await tell(setOf('k', 'v', { cas }))).kind).toBe(answer);
      expect(kinds()).toEqual([['set'], [], ['set']]);
      expect(await kept()).toEqual(['v', 'miss', 'v']);
    }
  });

  test('a right that is given back is given back everywhere', async () => {
    const { runtime, stores, tell } = rig();
    const { cas } = (await tell(lease)) as MissReply;
    expect((await tell({ kind: 'release', key: 'k', right: 'lease', cas })).kind).toBe('stored');
    await runtime.settle();
    for (const store of stores) expect(await ask(runtime, store, lease)).toMatchObject({ lease: 'won' });
  });

  test('what is known of so many wins is forgotten, oldest first: then the others lose the entry', async () => {
    const { tell, store, runtime, kept } = rig();
    const { cas } = (await tell(lease)) as MissReply;
    const deadline = runtime.clock.read() + 10_000;
    const others = Array.from({ length: 10_000 }, async (_, index) => {
      return await store.execute({ kind: 'get', key: `other:${index}`, lease: 5000, deadline });
    });
    await runtime.until(Promise.all(others));
    expect((await tell(setOf('k', 'v', { cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['v', 'miss', 'miss']);
    expect((await tell(setOf('other:9999', 'v', { cas: casOf(await others[9999]!) }))).kind).toBe('stored');
    expect(await kept('other:9999')).toEqual(['v', 'v', 'v']);
  });
});

describe('writes to mirrored pools', () => {
  test('a set by a CAS that came with no right leaves nothing older elsewhere', async () => {
    const { tell, kept } = rig();
    await tell(setOf('k', 'old'));
    const { cas } = (await tell(get)) as HitReply;
    expect((await tell(setOf('k', 'new', { cas }))).kind).toBe('stored');
    expect(await kept()).toEqual(['new', 'miss', 'miss']);
    expect(said(await tell(get))).toBe('new');
    expect((await tell(setOf('k', 'x', { cas: '7:1' }))).kind).toBe('conflict');
  });

  test.each<[MirroredOptions['writes'], number, string]>([
    ['all', 0, 'stored'],
    ['all', 1, 'failed'],
    ['quorum', 1, 'stored'],
    ['quorum', 2, 'failed'],
    ['one', 2, 'stored'],
    ['one', 3, 'failed'],
  ])('a plain set goes to all; with writes %s and %i pools down it is %s', async (writes, down, answer) => {
    const all = [0, 1, 2] as const;
    for (const shift of all) {
      const { wires, tell, kept } = rig({ writes: writes! });
      const failing = all.slice(0, down).map((index) => (index + shift) % 3);
      for (const index of failing) wires[index]!.down();
      expect((await tell(setOf('k', 'v'))).kind).toBe(answer);
      expect(await kept()).toEqual(all.map((index) => (failing.includes(index) ? 'miss' : 'v')));
    }
  });

  test('a failure tells whether anything may have been applied', async () => {
    const { wires, tell } = rig();
    for (const wire of wires) wire.down();
    expect(await tell(setOf('k', 'v'))).toMatchObject({ kind: 'failed', applied: 'no' });
    expect(await tell(remove)).toMatchObject({ kind: 'failed', applied: 'no' });
    wires[2].up();
    expect(await tell(setOf('k', 'v'))).toMatchObject({ kind: 'failed', applied: 'unknown' });
    expect(await tell(remove)).toMatchObject({ kind: 'failed', applied: 'unknown' });
  });

  test.each<[string, Asked]>([
    ['a delete', remove],
    ['a mark of staleness', { kind: 'delete', key: 'k', staleFor: 1000 }],
    ['a touch', { kind: 'touch', key: 'k', life }],
  ])('%s goes to all, and needs all, whatever the policy', async (_what, operation) => {
    const { wires, tell, kinds } = rig({ writes: 'one' });
    expect((await tell(operation)).kind).toBe('notFound');
    expect(kinds()).toEqual([[operation.kind], [operation.kind], [operation.kind]]);
    wires[2].down();
    expect((await tell(operation)).kind).toBe('failed');
  });

  test('on an add and a replace one pool decides, and the others follow', async () => {
    const { runtime, wires, stores, tell, kinds, kept } = rig({ readFrom: 2 });
    await ask(runtime, stores[1]!, setOf('k', 'lost elsewhere'));
    expect((await tell(setOf('k', 'added', { mode: 'add' }))).kind).toBe('stored');
    expect(await kept()).toEqual(['added', 'added', 'added']);
    kinds();
    expect((await tell(setOf('k', 'again', { mode: 'add' }))).kind).toBe('notStored');
    expect(kinds()).toEqual([['set'], [], []]);
    expect((await tell(setOf('k', 'replaced', { mode: 'replace' }))).kind).toBe('stored');
    expect(await kept()).toEqual(['replaced', 'replaced', 'replaced']);
    wires[0].down();
    expect((await tell(setOf('k', 'x', { mode: 'add' }))).kind).toBe('notStored');
    await tell(remove);
    expect((await tell(setOf('k', 'x', { mode: 'add' }))).kind).toBe('failed');
    expect(await kept()).toEqual(['replaced', 'x', 'x']);
  });

  test('a count and an append stay in the pool that decides: there is nothing to differ', async () => {
    const { wires, tell, kept } = rig({ readFrom: 1 });
    await tell(setOf('k', '5'));
    expect(said(await tell({ kind: 'count', key: 'k', delta: 2n }))).toBe('7');
    expect(await kept()).toEqual(['7', 'miss', 'miss']);
    expect(said(await tell(get))).toBe('7');
    await tell(setOf('k', '5'));
    expect((await tell(setOf('k', '0', { mode: 'append' }))).kind).toBe('stored');
    expect(await kept()).toEqual(['50', 'miss', 'miss']);
    for (const wire of wires) wire.down();
    expect((await tell({ kind: 'count', key: 'k', delta: 2n })).kind).toBe('failed');
  });

  test('a delete by CAS removes what is as it was seen, and then the rest', async () => {
    const { tell, kept, runtime, stores } = rig();
    await tell(setOf('k', 'v'));
    const { cas } = (await tell(get)) as HitReply;
    await ask(runtime, stores[0]!, setOf('k', 'w'));
    expect((await tell({ kind: 'delete', key: 'k', cas })).kind).toBe('conflict');
    expect(await kept()).toEqual(['w', 'v', 'v']);
    const now = (await tell(get)) as HitReply;
    expect((await tell({ kind: 'delete', key: 'k', cas: now.cas })).kind).toBe('stored');
    expect(await kept()).toEqual(['miss', 'miss', 'miss']);
    expect((await tell({ kind: 'delete', key: 'k', cas: '9:1' })).kind).toBe('conflict');
  });

  test('written to one, nobody waits for the others, and the writer has its buffer back', async () => {
    const { runtime, stores } = world(2);
    let go: () => void = () => undefined;
    const slow: Store = {
      name: 'slow',
      parts: [],
      execute: async (operation) => {
        await new Promise<void>((resolve) => (go = resolve));
        return await stores[1]!.execute(operation);
      },
      close: async () => undefined,
    };
    const store = mirrored([stores[0]!, slow], { writes: 'one' });
    const value = Buffer.from('mine');
    expect((await ask(runtime, store, { ...setOf('k', ''), value } as Asked)).kind).toBe('stored');
    value.fill('!');
    go();
    await runtime.settle();
    expect(said(await ask(runtime, stores[1]!, get))).toBe('mine');
  });
});

test('the copies of a record are spread over the pools, and each is there alone', async () => {
  const { wires, tell, kinds } = rig({ readFrom: 2 });
  for (const copy of [0, 1, 2, 3])
    expect((await tell({ ...setOf('k', 'v'), copy } as Asked)).kind).toBe('stored');
  expect(wires.map((wire) => wire.asked.map((operation) => operation.copy))).toEqual([[0, 1], [0], [0]]);
  kinds();
  const { cas } = (await tell({ ...get, copy: 1 })) as HitReply;
  expect((await tell({ ...setOf('k', 'w', { cas }), copy: 1 } as Asked)).kind).toBe('stored');
  expect((await tell({ kind: 'delete', key: 'k', copy: 2 })).kind).toBe('stored');
  expect(kinds()).toEqual([[], ['get', 'set'], ['delete']]);
});

test('an operation that is wrong in itself is tried once', async () => {
  const { tell, kinds } = rig();
  expect((await tell({ kind: 'get', key: 'a b' })).kind).toBe('failed');
  expect(kinds()).toEqual([['get'], [], []]);
  await tell(setOf('k', 'text'));
  kinds();
  expect((await tell({ kind: 'count', key: 'k', delta: 1n, initial: { value: 1n, life } })).kind).toBe(
    'failed',
  );
  expect(kinds()).toEqual([['count'], [], []]);
});

test('one pool is itself; options are checked', () => {
  const store = memory();
  expect(mirrored([store], { readFrom: 0 })).toBe(store);
  const { wires } = world(2);
  const [a, b] = wires;
  expect(() => mirrored([])).toThrow(/'pools' is \[\]/);
  expect(() => mirrored(wires, { readFrom: 2 })).toThrow(
    /'readFrom' is 2, but must be the index or the name of one of the pools: 'a', 'b'/,
  );
  expect(() => mirrored(wires, { readFrom: 'zone-1' })).toThrow(/'readFrom' is 'zone-1'/);
  expect(() => mirrored(wires, { writes: 'most' as never })).toThrow(/'writes' is 'most'/);
  a!.salt = b!.salt = '';
  expect(() => mirrored(wires)).toThrow(/'salt' is '', but must be different in 'a' and 'b'/);
  b!.salt = 'b';
  expect(mirrored(wires).parts).toEqual(wires);
});

test('with the own pool dead everything is answered from the others', async () => {
  const { runtime, stores } = world(2);
  const store = mirrored([dead(), stores[0]!, stores[1]!], { writes: 'quorum' });
  const { cas } = (await ask(runtime, store, lease)) as MissReply;
  expect((await ask(runtime, store, setOf('k', 'v', { cas }))).kind).toBe('stored');
  expect(said(await ask(runtime, store, get))).toBe('v');
  for (const each of stores) expect(said(await ask(runtime, each, get))).toBe('v');
});

function casOf(reply: Reply): string {
  return (reply as MissReply).cas;
}
