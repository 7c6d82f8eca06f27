import { wrongOption } from '../core/error.ts';
import { conflict, type Destination, type Operation, type Reply, type Store } from '../core/store.ts';
import { asPartKnows, brandedReply, partOf } from './cas-brand.ts';
import { guardedPart } from './guarded-part.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface ByOperationOptions {
  /** Default `by-operation`. */
  readonly name?: string;
}

const kinds: readonly Operation['kind'][] = ['get', 'set', 'delete', 'touch', 'count', 'release'];

/**
 * Another store for some kinds of operations: reads hedged and writes not, counters in a pool of their own. An operation by a CAS goes to
 * the store that gave it, whatever its kind. Stores that are all the same one are given back as that. Who sends reads and writes of one key to different stores must see to it that they
 * hold the same.
 */
export function byOperation(
  stores: Readonly<Partial<Record<Operation['kind'], Store>>>,
  otherwise: Store,
  options: ByOperationOptions = {},
): Store {
  checkedOptions(options, ['name']);
  if (typeof stores !== 'object' || stores === null)
    throw wrongOption('stores', stores, 'an object of stores by kind of operation');
  checkedPart('otherwise', otherwise);
  const byKind = new Map<string, Store>();
  for (const [kind, store] of Object.entries(stores)) {
    if (!(kinds as readonly string[]).includes(kind))
      throw wrongOption(kind, store, `left out: operations are ${kinds.join(', ')}`);
    byKind.set(kind, checkedPart(kind, store));
  }
  const name = checkedName(options.name, 'by-operation');
  const alike = [...byKind.values()].every((store) => store === otherwise);
  return alike ? otherwise : new ByOperationRoute(name, byKind, otherwise);
}

class ByOperationRoute extends Route {
  readonly #guarded: readonly Store[];
  readonly #parts: ReadonlyMap<string, number>;

  constructor(name: string, stores: ReadonlyMap<string, Store>, otherwise: Store) {
    super(name, [...new Set([otherwise, ...stores.values()])]);
    this.#guarded = this.parts.map(guardedPart);
    this.#parts = new Map([...stores].map(([kind, store]) => [kind, this.parts.indexOf(store)]));
  }

  protected ask(operation: Operation): Promise<Reply> {
    const part = this.#partOf(operation);
    const store = this.#guarded[part];
    if (store === undefined) return Promise.resolve(conflict);
    return store
      .execute(asPartKnows(operation))
      .then(part === 0 ? brandFirst : (reply) => brandedReply(part, reply));
  }

  destinations(operation: Operation): readonly Destination[] {
    const store = this.parts[this.#partOf(operation)];
    return store === undefined ? [] : [{ store, role: 'first', operation: asPartKnows(operation) }];
  }

  #partOf(operation: Operation): number {
    if ('cas' in operation && operation.cas !== undefined) return partOf(operation);
    return this.#parts.get(operation.kind) ?? 0;
  }
}

const brandFirst = (reply: Reply): Reply => brandedReply(0, reply);
