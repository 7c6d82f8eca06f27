import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeContract } from '../../test/routes/route-contract.ts';
import { neverStale, type Race } from '../../test/routes/races.ts';
import { ask, type Asked, life, said, setOf, type Wire, world } from '../../test/routes/wire.ts';
import type { HitReply, Reply, Store } from '../core/store.ts';
import type { Runtime } from '../core/runtime.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { memory } from '../stores/memory/memory.ts';
import { replicatedKeys, type ReplicatedKeysOptions } from './replicated-keys.ts';

/** A runtime for who needs chance alone, that draws this replica of so many. */
function drawing(replica: number, of = 4): Runtime {
  return { random: () => replica / of + 0.01 } as unknown as Runtime;
}

const order = {
  'operations of one turn on one key happen in the order in which they were asked':
    'a get asks a copy first, and the entry after that',
  'answers settle in the order in which they were asked':
    'the first that finds no copy makes one, which takes longer than not to',
};

routeContract('replicatedKeys, of other keys', 1, ([store]) =>
  replicatedKeys(store!, { keys: new Set(['other']), replicas: 4 }),
);
routeContract('replicatedKeys, reading the entry', 1, ([store]) =>
  replicatedKeys(store!, { keys: () => true, replicas: 4, runtime: drawing(0) }),
);
routeContract(
  'replicatedKeys, reading a copy',
  1,
  ([store]) => replicatedKeys(store!, { keys: () => true, replicas: 4, runtime: drawing(2) }),
  order,
);

interface Rig {
  readonly runtime: FakeRuntime;
  readonly wire: Wire;
  readonly bare: Store;
  readonly process: (replica: number, options?: Partial<ReplicatedKeysOptions>) => Store;
  readonly tell: (store: Store, operation: Asked) => Promise<Reply>;
  /** What was asked since the last look, as kind and key. */
  readonly asked: () => readonly string[];
}

function rig(): Rig {
  const { runtime, wires, stores } = world(1);
  const wire = wires[0]!;
  return {
    runtime,
    wire,
    bare: stores[0]!,
    process: (replica, options) =>
      replicatedKeys(wire, {
        keys: new Set(['k']),
        replicas: 4,
        runtime: drawing(replica),
        ...options,
      }),
    tell: async (store, operation) => {
      const reply = await ask(runtime, store, operation);
      await runtime.settle();
      return reply;
    },
    asked: () => wire.asked.splice(0).map(({ kind, key }) => `${kind} ${key}`),
  };
}

const get: Asked = { kind: 'get', key: 'k' };
const lease: Asked = { kind: 'get', key: 'k', lease: 5000 };

describe('replicatedKeys', () => {
  test('a process reads its own copy, and the entry only to make it', async () => {
    const { process, tell, asked } = rig();
    const store = process(2);
    await tell(store, setOf('k', 'v', { flags: 3 }));
    asked();
    const first = (await tell(store, lease)) as HitReply;
    expect(asked()).toEqual(['get k::2', 'get k', 'set k::2']);
    for (let time = 0; time < 3; time++) expect(await tell(store, lease)).toEqual(first);
    expect(asked()).toEqual(['get k::2', 'get k::2', 'get k::2']);
    expect([said(first), first.flags, first.claim]).toEqual(['v', 3, 'none']);
  });

  test('a copy answers as the entry would: CAS and what is left of the life', async () => {
    const { runtime, process, tell, bare } = rig();
    const store = process(1);
    await tell(store, setOf('k', 'v'));
    await tell(store, get);
    await runtime.advance(1500);
    expect(await tell(store, get)).toEqual(await tell(bare, get));
    const { cas } = (await tell(store, get)) as HitReply;
    expect((await tell(store, setOf('k', 'w', { cas }))).kind).toBe('stored');
    expect((await tell(store, setOf('k', 'x', { cas }))).kind).toBe('conflict');
    expect(said(await tell(store, get))).toBe('w');
  });

  test('processes spread over the copies, and each copy is made by one', async () => {
    const { process, tell, asked } = rig();
    const stores = [0, 1, 2, 3].map((replica) => process(replica));
    await tell(stores[0]!, setOf('k', 'v'));
    for (const store of stores) await tell(store, get);
    asked();
    for (const store of stores) expect(said(await tell(store, get))).toBe('v');
    expect(asked()).toEqual(['get k', 'get k::1', 'get k::2', 'get k::3']);
  });

  test('at random each of them is read', async () => {
    const { runtime, wire, tell, asked } = rig();
    const store = replicatedKeys(wire, { keys: () => true, replicas: 3, read: 'random', runtime });
    await tell(store, setOf('k', 'v'));
    for (let time = 0; time < 60; time++) expect(said(await tell(store, get))).toBe('v');
    expect(new Set(asked().filter((each) => each.startsWith('get')))).toEqual(
      new Set(['get k', 'get k::1', 'get k::2']),
    );
  });

  test.each<[string, Asked, string]>([
    ['a set', setOf('k', 'new'), 'new'],
    ['a delete', { kind: 'delete', key: 'k' }, 'miss'],
    ['an append', setOf('k', '0', { mode: 'append' }), '50'],
    ['a count', { kind: 'count', key: 'k', delta: 2n }, '7'],
  ])('%s is seen by all processes as soon as it is confirmed', async (_what, write, seen) => {
    const { process, tell } = rig();
    const stores = [0, 1, 2, 3].map((replica) => process(replica));
    await tell(stores[0]!, setOf('k', '5'));
    for (const store of stores) await tell(store, get);
    await tell(stores[3]!, write);
    for (const store of stores) expect(said(await tell(store, get))).toBe(seen);
  });

  test('a mark of staleness is the entry’s: one reloads, and all see it', async () => {
    const { process, tell } = rig();
    const stores = [1, 2].map((replica) => process(replica));
    await tell(stores[0]!, setOf('k', 'old'));
    for (const store of stores) await tell(store, get);
    await tell(stores[0]!, { kind: 'delete', key: 'k', staleFor: 60_000 });
    const won = (await tell(stores[1]!, get)) as HitReply;
    expect(won).toMatchObject({ marked: true, claim: 'won' });
    expect(await tell(stores[0]!, get)).toMatchObject({ marked: true, claim: 'lost' });
    expect((await tell(stores[1]!, setOf('k', 'new', { cas: won.cas }))).kind).toBe('stored');
    for (const store of stores) expect(said(await tell(store, get))).toBe('new');
  });

  test('a write that changes nothing costs one operation; a failed one removes the copies all the same', async () => {
    const { process, tell, asked, wire } = rig();
    const store = process(0);
    await tell(store, setOf('k', 'v'));
    asked();
    expect((await tell(store, setOf('k', 'w', { mode: 'add' }))).kind).toBe('notStored');
    expect(asked()).toEqual(['set k']);
    wire.fate = ({ key }) => (key === 'k' ? 'lost' : undefined);
    expect(await tell(store, { kind: 'delete', key: 'k' })).toMatchObject({ applied: 'unknown' });
    expect(asked()).toEqual(['delete k', 'delete k::1', 'delete k::2', 'delete k::3']);
    wire.fate = ({ key }) => (key === 'k::2' ? 'unsent' : undefined);
    expect(await tell(store, { kind: 'delete', key: 'k' })).toMatchObject({
      kind: 'failed',
      applied: 'unknown',
    });
  });

  test('nothing is copied that is aged, marked or being reloaded, and no lease is left behind', async () => {
    const { process, tell, bare, asked } = rig();
    const store = process(1);
    expect(await tell(store, lease)).toMatchObject({ kind: 'miss', lease: 'won' });
    expect(asked()).toEqual(['get k::1', 'get k', 'release k::1']);
    const entries: readonly (readonly Asked[])[] = [
      [setOf('k', 'v', { life: { freshFor: 0, staleFor: 60_000 } })],
      [setOf('k', 'v'), { kind: 'delete', key: 'k', staleFor: 60_000 }],
      [setOf('k', 'v'), { kind: 'get', key: 'k', recache: 1_000_000 }],
    ];
    for (const entry of entries) {
      for (const each of entry) await tell(bare, each);
      await tell(store, lease);
      expect(asked()).toEqual(['get k::1', 'get k', 'release k::1']);
    }
  });

  test('the right to reload is competed for where it is given: at the entry', async () => {
    const { process, tell } = rig();
    const store = process(1);
    await tell(store, setOf('k', 'v'));
    await tell(store, get);
    expect(await tell(store, { kind: 'get', key: 'k', recache: 110_000 })).toMatchObject({ claim: 'none' });
    expect(await tell(store, { kind: 'get', key: 'k', recache: 130_000 })).toMatchObject({ claim: 'won' });
  });

  test('a copy serves for its time and no longer, and ends before the entry ages', async () => {
    const { runtime, process, tell, asked } = rig();
    const store = process(1, { copyFor: '5s' });
    await tell(store, setOf('k', 'v', { life: { freshFor: 8000, staleFor: 60_000 } }));
    await tell(store, get);
    asked();
    await runtime.advance(4999);
    await tell(store, get);
    expect(asked()).toEqual(['get k::1']);
    await runtime.advance(1);
    await tell(store, get);
    expect(asked()).toEqual(['get k::1', 'get k', 'set k::1']);
    await runtime.advance(3000);
    expect(await tell(store, get)).toMatchObject({ kind: 'hit', freshFor: 0 });
    expect(asked()).toEqual(['get k::1', 'get k', 'release k::1']);
  });

  test('a get that touches, a record that is known by its copy and other keys are the entry’s', async () => {
    const { process, tell, asked } = rig();
    const store = process(1);
    await tell(store, { kind: 'get', key: 'k', touch: life });
    await tell(store, { kind: 'get', key: 'k', copy: 1 });
    await tell(store, { kind: 'get', key: 'other' });
    await tell(store, { kind: 'delete', key: 'k', copy: 0 });
    expect(asked()).toEqual(['get k', 'get k', 'get other', 'delete k']);
  });

  test('copies lie elsewhere, also where a routing key holds entries together', async () => {
    const { process, tell, wire } = rig();
    await tell(process(1), { kind: 'delete', key: 'k', routingKey: 'user:1' });
    expect(wire.asked.map(({ routingKey }) => routingKey)).toEqual([
      'user:1',
      'user:1::1',
      'user:1::2',
      'user:1::3',
    ]);
  });

  test('the set of keys may change at any time; a function that throws names none', async () => {
    const { process, tell, asked, bare } = rig();
    const keys = new Set<string>();
    const store = process(1, { keys });
    await tell(bare, setOf('k', 'v'));
    await tell(store, get);
    keys.add('k');
    await tell(store, get);
    keys.delete('k');
    await tell(store, get);
    expect(asked()).toEqual(['get k', 'get k::1', 'get k', 'set k::1', 'get k']);
    const thrower = process(1, {
      keys: () => {
        throw new Error('thrown by the test');
      },
    });
    expect(said(await tell(thrower, get))).toBe('v');
  });

  test('what lies under the name of a copy and is none is no answer', async () => {
    const { process, tell, bare } = rig();
    await tell(bare, setOf('k', 'v'));
    await tell(bare, setOf('k::1', 'of somebody else'));
    expect(said(await tell(process(1), get))).toBe('v');
  });

  test('the promise of other keys is handed on', () => {
    const inner = replicatedKeys(memory(), { keys: () => false, replicas: 2 });
    const promise = Promise.resolve({ kind: 'notFound' } as const);
    inner.execute = () => promise;
    const store = replicatedKeys(inner, { keys: new Set(['k']), replicas: 2 });
    expect(store.execute({ kind: 'get', key: 'other', deadline: 1 })).toBe(promise);
  });

  test.each<[object, RegExp]>([
    [{ keys: ['k'], replicas: 2 }, /'keys' is \['k'\]/],
    [{ replicas: 2 }, /'keys' is undefined/],
    [{ keys: new Set(), replicas: 1 }, /'replicas' is 1/],
    [{ keys: new Set(), replicas: 2, read: 'all' }, /'read' is 'all'/],
    [{ keys: new Set(), replicas: 2, copyFor: 0 }, /'copyFor' is 0/],
  ])('%j is refused', (options, saying) => {
    expect(() => replicatedKeys(memory(), options as ReplicatedKeysOptions)).toThrow(saying);
  });
});

test.each<Pick<Race, 'faults' | 'steps' | 'most'>>([
  { faults: false },
  { faults: true },
  { faults: false, steps: ['read', 'write'], most: 3 },
  { faults: false, steps: ['read', 'expire', 'store'], most: 3 },
])('no schedule lets a copy bring back what was invalidated: %j', async (race) => {
  const make: Race['make'] = ([store], index) =>
    replicatedKeys(store!, { keys: () => true, replicas: 3, runtime: drawing(index, 3) });
  await fc.assert(neverStale({ pools: 1, make, ...race }), { numRuns: race.most === undefined ? 500 : 2000 });
});
