import type { Operation, Store } from '../../src/core/store.ts';
import { memory } from '../../src/stores/memory/memory.ts';
import { sharded, type ShardedOptions } from '../../src/routes/sharded.ts';
import type { Member } from '../../src/routes/server-list/server-list.ts';
import { GivenList, memberOf } from './fleet/fleet.ts';
import { Wire, world, type World } from './wire.ts';

export const keys = Array.from({ length: 200 }, (_, index) => `key:${index}`);
export const deadline = Number.POSITIVE_INFINITY;
export const get = (key: string, how: object = {}): Operation => ({ kind: 'get', key, deadline, ...how });

/** Which part an operation goes to, by its name. */
export const partOf = (store: Store, operation: Operation): string | undefined =>
  store.destinations!(operation)[0]?.store.name;

export interface Changing extends World {
  readonly store: Store;
  readonly list: GivenList;
  readonly made: Wire[];
}

/** A pool whose list the test changes; each member's store is kept by its address. */
export function changing(members: readonly Member[], options: Partial<ShardedOptions> = {}): Changing {
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

export const abc = ['a', 'b', 'c'].map((id) => memberOf(id));
export const bcd = ['b', 'c', 'd'].map((id) => memberOf(id));
