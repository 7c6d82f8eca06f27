import { describe, expect, test } from 'vitest';
import { get, keys, partOf } from '../../test/routes/changing-pool.ts';
import { GivenList, memberOf } from '../../test/routes/fleet/fleet.ts';
import { routeContract } from '../../test/routes/route-contract.ts';
import { ask, said, setOf, world } from '../../test/routes/wire.ts';
import { reliable } from '../core/reliable.ts';
import type { Operation, Reply, Store } from '../core/store.ts';
import { nothing } from '../stores/nothing.ts';
import { sharded, type ShardedOptions } from './sharded.ts';
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
