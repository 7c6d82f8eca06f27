import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { GivenList, memberOf } from '../../test/routes/fleet/fleet.ts';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, said, setOf, Wire, world, type World } from '../../test/routes/wire.ts';
import type { Events } from '../core/events.ts';
import { reliable } from '../core/reliable.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import { memory } from '../stores/memory/memory.ts';
import { nothing } from '../stores/nothing.ts';
import type { FakeRuntime } from '../testing/fake-runtime.ts';
import { sharded, type ShardedOptions } from './sharded.ts';
import type { Member } from './server-list/server-list.ts';
import type { PlacementName } from './placement/placement-by-name.ts';

const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}:1`);

/** Spread over these parts. */
function over(parts: readonly Store[], options: Partial<ShardedOptions> = {}): Store {
  const servers = idsOf(parts.length);
  return sharded({ servers, make: ({ id }) => parts[servers.indexOf(id)]!, ...options });
}

const names: readonly PlacementName[] = ['rendezvous', 'ketama', 'uhashring', 'modulo', 'jump'];

for (const placement of names)
  routeContract(`sharded by ${placement}`, 4, (parts, runtime) => over(parts, { runtime, placement }));
routeContract('sharded over one that a list tells', 1, ([part], runtime) =>
  sharded({ servers: new GivenList([memberOf('a')]), make: () => part!, runtime }),
);
routeContract('sharded of sharded', 4, ([a, b, c, d], runtime) =>
  over([over([a!, b!], { runtime, salt: 'x' }), over([c!, d!], { runtime, salt: 'y' })], { runtime }),
);
routeContract('sharded just after a change', 4, (parts, runtime) => {
  const list = new GivenList(['a', 'b', 'c'].map((id) => memberOf(id)));
  const store = sharded({ servers: list, make: ({ id }) => parts['abcd'.indexOf(id)]!, runtime });
  list.set(['b', 'c', 'd'].map((id) => memberOf(id)));
  return store;
});

const keys = Array.from({ length: 200 }, (_, index) => `key:${index}`);
const deadline = Number.POSITIVE_INFINITY;
const get = (key: string, how: object = {}): Operation => ({ kind: 'get', key, deadline, ...how });

/** Which part an operation goes to, by its name. */
const partOf = (store: Store, operation: Operation): string | undefined =>
  store.destinations!(operation)[0]?.store.name;

interface Changing extends World {
  readonly store: Store;
  readonly list: GivenList;
  readonly made: Wire[];
}

/** A pool whose list the test changes; each member's store is kept by its address. */
function changing(members: readonly Member[], options: Partial<ShardedOptions> = {}): Changing {
  const made: Wire[] = [];
  const base = world(0);
  const stores = new Map<string, Store>();
  const list = new GivenList(members);
  const make = ({ id, address }: Member): Store => {
    const store = stores.get(address) ?? memory({ runtime: base.runtime });
    stores.set(address, store);
    const wire = new Wire(id, { ...storeOf(store), close: async () => undefined });
    made.push(wire);
    return wire;
  };
  const store = sharded({ servers: list, make, runtime: base.runtime, ...options });
  return { ...base, store, list, made };
}

function storeOf(store: Store): Store {
  return {
    name: store.name,
    parts: [],
    execute: (operation) => store.execute(operation),
    close: () => store.close(),
  };
}

const abc = ['a', 'b', 'c'].map((id) => memberOf(id));
const bcd = ['b', 'c', 'd'].map((id) => memberOf(id));

let told: Events['servers'][] = [];
const listener = (message: unknown): void => void told.push(message as Events['servers']);
afterEach(() => {
  unsubscribe('cistern:servers', listener);
  told = [];
});

describe('where a key goes', () => {
  test('the operation and the promise are handed on as they are', () => {
    const promise = Promise.resolve<Reply>({ kind: 'notFound' });
    const seen: Operation[] = [];
    const part = (): Store =>
      reliable({
        name: 'part',
        parts: [],
        execute: (operation) => {
          seen.push(operation);
          return promise;
        },
        close: async () => undefined,
      });
    const store = over([part(), part(), part()]);
    for (const operation of [get('a'), get('b', { routingKey: 'x' }), get('c', { copy: 1 })]) {
      expect(store.execute(operation)).toBe(promise);
      expect(seen.at(-1)).toBe(operation);
    }
  });

  test('a single server that cannot change is its store itself', () => {
    const part = nothing();
    expect(over([part])).toBe(part);
    expect(over([part], { placement: 'ketama' })).toBe(part);
    expect(sharded({ servers: new GivenList([memberOf('a')]), make: () => part })).not.toBe(part);
  });

  test.each(names)('%s: every key has one server, and each server some', async (placement) => {
    const { wires, runtime } = world(5);
    const store = over(wires, { runtime, placement });
    for (const key of keys) await ask(runtime, store, setOf(key, key));
    expect(wires.reduce((sum, wire) => sum + wire.asked.length, 0)).toBe(keys.length);
    for (const wire of wires) expect(wire.asked.length).toBeGreaterThan(10);
    for (const key of keys) expect(said(await ask(runtime, store, get(key)))).toBe(key);
  });

  test('the routing key decides, if there is one; else what the option says; else the key', () => {
    const { wires, runtime } = world(7);
    const store = over(wires, { runtime, routingKey: (key) => key.split('|')[0]! });
    const plain = over(world(7).wires, { runtime });
    for (const key of keys) {
      const expected = partOf(plain, get(key));
      expect(partOf(store, get(`${key}|anything`))).toBe(expected);
      expect(partOf(store, get('anything', { routingKey: key }))).toBe(expected);
      expect(partOf(plain, get('anything', { routingKey: key }))).toBe(expected);
    }
  });

  test('copies are on different servers, and the first is where the key is', () => {
    const { wires, runtime } = world(5);
    const store = over(wires, { runtime });
    for (const key of keys) {
      const places = [0, 1, 2, 3, 4].map((copy) => partOf(store, get(key, { copy })));
      expect(places[0]).toBe(partOf(store, get(key)));
      expect(new Set(places).size).toBe(5);
      // There are no more than that: around the end.
      expect(partOf(store, get(key, { copy: 5 }))).toBe(places[0]);
    }
  });

  test('the order of the list does not matter, the salt does', () => {
    const { wires, runtime } = world(6);
    const byName = (order: readonly number[], salt: string): Store =>
      sharded({
        servers: order.map((index) => ({ address: `h${index}:1`, id: wires[index]!.name })),
        make: ({ id }) => wires.find((wire) => wire.name === id)!,
        salt,
        runtime,
      });
    const [one, other, salted] = [
      byName([0, 1, 2, 3, 4, 5], ''),
      byName([3, 1, 5, 0, 2, 4], ''),
      byName([0, 1, 2, 3, 4, 5], 'mirror'),
    ];
    expect(keys.map((key) => partOf(one, get(key)))).toEqual(keys.map((key) => partOf(other, get(key))));
    const same = keys.filter((key) => partOf(one, get(key)) === partOf(salted, get(key))).length;
    expect(same).toBeGreaterThan(10);
    expect(same).toBeLessThan(70);
    expect(salted).toMatchObject({ salt: 'mirror' });
  });

  test('what is no operation is answered by a failure', async () => {
    const { wires, runtime } = world(3);
    const store = over(wires, { runtime });
    const thrower = over(world(3).stores, {
      runtime,
      routingKey: () => {
        throw new Error('no route');
      },
    });
    for (const wrong of [undefined, null, 7, {}, { key: 7 }, { kind: 'get' }])
      expect(await runtime.until(store.execute(wrong as never))).toMatchObject({
        kind: 'failed',
        applied: 'no',
      });
    expect(await thrower.execute(get('k'))).toMatchObject({ kind: 'failed', error: { message: 'no route' } });
  });

  test.each<[string, object]>([
    ['servers', { servers: [] }],
    ['servers', { servers: 'a:1' }],
    ['make', { make: 7 }],
    ['make()', { make: () => undefined }],
    ['placement', { placement: 'maglev' }],
    ['salt', { salt: 7 }],
    ['routingKey', { routingKey: 'k' }],
    ['drain', { drain: -1 }],
    ['name', { name: '' }],
    ['weight', { placement: 'jump', servers: ['a:1', { address: 'b:1', weight: 2 }] }],
    ['weights', { weights: [] }],
  ])('a wrong %s is refused', (option, wrong) => {
    const make = (): Store => nothing();
    expect(() => sharded({ servers: ['a:1', 'b:1'], make, ...wrong } as never)).toThrow(
      expect.objectContaining({ code: 'CISTERN_OPTION', details: expect.objectContaining({ option }) }),
    );
  });
});

describe('a list that changes', () => {
  test('moves the keys of those who go and come, and makes stores for them alone', async () => {
    const { store, list, made, runtime } = changing(abc);
    const before = keys.map((key) => partOf(store, get(key)));
    for (const key of keys) await ask(runtime, store, setOf(key, key));
    list.set(bcd);
    const after = keys.map((key) => partOf(store, get(key)));
    expect(made.map((wire) => wire.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(store.parts.map((part) => part.name)).toEqual(['b', 'c', 'd']);
    for (const [index, key] of keys.entries()) {
      const moved = before[index] !== after[index];
      if (moved) expect(before[index] === 'a' || after[index] === 'd').toBe(true);
      expect(said(await ask(runtime, store, get(key)))).toBe(moved ? 'miss' : key);
    }
  });

  test('drops no request: what is pending at one that leaves is answered, and then it is closed', async () => {
    const { store, list, made, runtime } = changing(abc, { drain: '2s' });
    const answers = keys.map((key) => store.execute({ ...get(key), deadline: runtime.clock.read() + 1000 }));
    list.set(bcd);
    for (const answer of answers) expect((await runtime.until(answer)).kind).toBe('miss');
    const [a] = made;
    await runtime.advance(1990);
    expect(a!.closed).toBe(0);
    await runtime.advance(20);
    expect(made.map((wire) => wire.closed)).toEqual([1, 0, 0, 0]);
    await runtime.until(store.close());
    expect(made.map((wire) => wire.closed)).toEqual([1, 1, 1, 1]);
  });

  test('one that comes back before it is closed gets a new store, and its place', async () => {
    const { store, list, made, runtime } = changing(abc);
    const before = keys.map((key) => partOf(store, get(key)));
    list.set(bcd);
    list.set(abc);
    expect(keys.map((key) => partOf(store, get(key)))).toEqual(before);
    expect(made.map((wire) => wire.name)).toEqual(['a', 'b', 'c', 'd', 'a']);
    await runtime.until(store.close());
    expect(made.map((wire) => wire.closed)).toEqual([1, 1, 1, 1, 1]);
    await runtime.until(store.close());
    expect(runtime.timers).toBe(0);
  });

  test('another address is another store in the same place; another weight the same store', () => {
    const { store, list, made } = changing(abc);
    const before = keys.map((key) => partOf(store, get(key)));
    list.set([abc[0]!, { ...abc[1]!, address: 'elsewhere:1' }, abc[2]!]);
    expect(keys.map((key) => partOf(store, get(key)))).toEqual(before);
    expect(made.map((wire) => wire.name)).toEqual(['a', 'b', 'c', 'b']);
    expect(store.parts[1]).toBe(made[3]);
    list.set([{ ...abc[0]!, weight: 3 }, { ...abc[1]!, address: 'elsewhere:1' }, abc[2]!]);
    expect(made.length).toBe(4);
    expect(keys.filter((key) => partOf(store, get(key)) === 'a').length).toBeGreaterThan(90);
  });

  test('a member for which no store can be made leaves everything as it was', async () => {
    subscribe('cistern:servers', listener);
    const made: Wire[] = [];
    const { wires, runtime } = world(3);
    const list = new GivenList(abc);
    const make = ({ id }: Member): Store => {
      if (id === 'x') throw new Error('no such address');
      const wire = wires.find((each) => each.name === id) ?? new Wire(id, nothing());
      made.push(wire);
      return wire;
    };
    const store = sharded({ servers: list, make, runtime });
    const before = keys.map((key) => partOf(store, get(key)));
    list.set([...bcd, memberOf('x')]);
    expect(keys.map((key) => partOf(store, get(key)))).toEqual(before);
    expect(made.map((wire) => [wire.name, wire.closed])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 0],
      ['d', 1],
    ]);
    expect(told.at(-1)).toMatchObject({ servers: ['a', 'b', 'c'], error: { message: 'no such address' } });
    list.set(bcd);
    expect(store.parts.map((part) => part.name)).toEqual(['b', 'c', 'd']);
    await runtime.until(store.close());
  });

  test('before it is known, operations fail, and what they invalidated is deleted then', async () => {
    const { store, list, runtime } = changing([]);
    const part = changing(abc, {}).store;
    expect(store.parts).toEqual([]);
    expect(store.destinations!(get('k'))).toEqual([]);
    for (const operation of [get('k'), setOf('k', 'v'), { kind: 'delete' as const, key: 'k' }])
      expect(await ask(runtime, store, operation as never)).toMatchObject({
        kind: 'failed',
        applied: 'no',
        error: { code: 'CISTERN_UNAVAILABLE' },
      });
    list.set(abc);
    await runtime.advance(1);
    const asked = store.parts.flatMap((each) => (each as Wire).asked);
    expect(asked).toEqual([{ kind: 'delete', key: 'k', deadline }]);
    expect(said(await ask(runtime, store, get('k')))).toBe('miss');
    await Promise.all([runtime.until(store.close()), part.close()]);
  });

  test('closed before it was ever known', async () => {
    const { store, list, runtime } = changing([]);
    await runtime.until(store.close());
    expect(await store.execute(get('k'))).toMatchObject({
      kind: 'failed',
      error: { code: 'CISTERN_CLOSED' },
    });
    list.set(abc);
    expect(store.parts).toEqual([]);
  });
});

/** A key of the server that leaves, and one that does not move. */
function movedKey(before: Store, after: Store): { moved: string; kept: string } {
  const moved = keys.find((key) => partOf(before, get(key)) === 'a');
  const kept = keys.find((key) => partOf(before, get(key)) === partOf(after, get(key)));
  return { moved: moved!, kept: kept! };
}

async function leaseOf(runtime: FakeRuntime, store: Store, key: string): Promise<string> {
  const reply = await ask(runtime, store, { kind: 'get', key, lease: 30_000 });
  expect(reply).toMatchObject({ kind: 'miss', lease: 'won' });
  return (reply as { cas: string }).cas;
}

describe('rights that were won before a change', () => {
  const { moved, kept } = movedKey(changing(abc).store, changing(bcd).store);

  test('name nothing on the server that a key has moved to, though the numbers are the same', async () => {
    const { store, list, runtime } = changing(abc);
    const old = await leaseOf(runtime, store, moved);
    const oldKept = await leaseOf(runtime, store, kept);
    list.set(bcd);
    const young = await leaseOf(runtime, store, moved);
    const number = (cas: string): string => cas.slice(cas.indexOf('@') + 1);
    expect(number(young)).toBe(number(old));
    for (const operation of [
      setOf(moved, 'old', { cas: old }),
      { kind: 'delete' as const, key: moved, cas: old },
      { kind: 'release' as const, key: moved, right: 'lease' as const, cas: old },
    ])
      expect(said(await ask(runtime, store, operation))).toBe('conflict');
    expect(said(await ask(runtime, store, setOf(moved, 'new', { cas: young })))).toBe('stored');
    expect(said(await ask(runtime, store, setOf(kept, 'kept', { cas: oldKept })))).toBe('stored');
    expect(said(await ask(runtime, store, get(moved)))).toBe('new');
  });

  test('and back again', async () => {
    const { store, list, runtime } = changing(abc);
    const first = await leaseOf(runtime, store, moved);
    list.set(bcd);
    const second = await leaseOf(runtime, store, moved);
    list.set(abc);
    expect(said(await ask(runtime, store, setOf(moved, 'v', { cas: second })))).toBe('conflict');
    // The same server, but by another store: nobody knows what became of it meanwhile.
    expect(said(await ask(runtime, store, setOf(moved, 'v', { cas: first })))).toBe('conflict');
  });

  test('are marked for a minute, and handed on as they are after that', async () => {
    const { store, list, runtime } = changing(abc);
    list.set(bcd);
    await runtime.advance(59_000);
    expect(await leaseOf(runtime, store, moved)).toMatch(/@\d+$/);
    expect(await leaseOf(runtime, store, kept)).toMatch(/^\d+$/);
    await runtime.advance(40_000);
    expect(await leaseOf(runtime, store, moved)).toMatch(/^\d+$/);
    await runtime.until(store.close());
  });

  test('any mark that somebody makes up names nothing', async () => {
    const { store, list, runtime } = changing(abc);
    list.set(bcd);
    const cas = await leaseOf(runtime, store, moved);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom(cas.slice(1), `${cas} `, cas.replace('@', '@0'), `1:${cas}`)),
        async (wrong) => {
          fc.pre(wrong !== cas);
          const reply = await ask(runtime, store, {
            kind: 'release',
            key: moved,
            right: 'lease',
            cas: wrong,
          });
          expect(said(reply)).toBe('conflict');
        },
      ),
      { numRuns: 50 },
    );
  });
});
