import type { Store } from '../core/store.ts';
import { Cascade } from './cascade.ts';
import { checkedName, checkedOptions, checkedParts } from './route-options.ts';

export interface MissFailoverOptions {
  /** Default `miss-failover`. */
  readonly name?: string;
}

/**
 * Parts in an order of preference: a get is asked in the next one after a miss or a failure, and the first miss is the answer if
 * no part has the entry: its lease is filled there. A lease that was won on the way to a hit is given back. Nothing is
 * copied from one part to another (`warming` does). What is written goes to one part, the first, or the one that gave the CAS, and removes
 * the entry from the others; a delete and a touch go to all. The copies of a record are spread over the
 * parts.
 *
 * One part is given back as it is.
 */
export function missFailover(parts: readonly Store[], options: MissFailoverOptions = {}): Store {
  checkedOptions(options, ['name']);
  const checked = checkedParts('parts', parts);
  const name = checkedName(options.name, 'miss-failover');
  const rules = { onMiss: true, writesFailOver: false };
  return checked.length === 1 ? checked[0]! : new Cascade(name, checked, rules);
}
