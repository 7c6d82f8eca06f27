import { type Duration, milliseconds } from '../core/duration.ts';
import { type Destination, longestLife, type Operation, type Reply, type Store } from '../core/store.ts';
import { guardedPart } from './guarded-part.ts';
import { LifeCeiling } from './life-ceiling.ts';
import { checkedName, checkedOptions, checkedPart } from './route-options.ts';
import { Route } from './route.ts';

export interface EphemeralOptions {
  /** The longest life of an entry, fresh and stale together. */
  readonly ttl: Duration;
  /** Default `ephemeral`. */
  readonly name?: string;
}

/**
 * No entry lives longer than a ceiling: sets, touches, marks of staleness and counters that are made are cut to it. For pools that
 * are to forget soon, whatever the callers ask for.
 *
 * A threshold for a right to reload that is above half the ceiling is lowered to a tenth of it, lest every get reload; an entry that
 * has aged all the same is competed for by a second question. Otherwise the store's promise is handed on.
 */
export function ephemeral(store: Store, options: EphemeralOptions): Store {
  checkedOptions(options, ['ttl', 'name']);
  const part = checkedPart('store', store);
  const ttl = milliseconds('ttl', options.ttl, { most: longestLife });
  return new EphemeralStore(checkedName(options.name, 'ephemeral'), part, new LifeCeiling(ttl));
}

class EphemeralStore extends Route {
  readonly #store: Store;
  readonly #ceiling: LifeCeiling;

  constructor(name: string, store: Store, ceiling: LifeCeiling) {
    super(name, [store]);
    this.#store = guardedPart(store);
    this.#ceiling = ceiling;
  }

  protected ask(operation: Operation): Promise<Reply> {
    return this.#ceiling.ask(this.#store, operation);
  }

  destinations(operation: Operation): readonly Destination[] {
    return [{ store: this.parts[0]!, role: 'first', operation: this.#ceiling.lowered(operation) }];
  }
}
