import type { Store } from '../core/store.ts';
import { Cascade } from './cascade.ts';
import { checkedFlag, checkedName, checkedOptions, checkedParts } from './route-options.ts';

export interface FailoverOptions {
  /**
   * Whether a plain write (a set or a count without a CAS) that fails is made in the next part. Default `false`: it fails. With `true`
   * a failed part may hold what is older until its write-failure journal, or its fence, has dealt with it.
   */
  readonly writes?: boolean;
  /** Default `failover`. */
  readonly name?: string;
}

/**
 * Parts in an order of preference: a get is asked in the next one while those before it fail. What a part gave a CAS or a lease for
 * goes back to it. A delete and a touch go to all parts, and are confirmed by all or not at all; any other write goes to one part
 * and removes the entry from the others. The copies of a
 * record are spread over the parts, so that it outlives any of them.
 *
 * A life is not cut as in a gutter: the parts are equals. One part is given back as it is.
 */
export function failover(parts: readonly Store[], options: FailoverOptions = {}): Store {
  checkedOptions(options, ['writes', 'name']);
  const checked = checkedParts('parts', parts);
  const writesFailOver = checkedFlag('writes', options.writes ?? false);
  const name = checkedName(options.name, 'failover');
  return checked.length === 1 ? checked[0]! : new Cascade(name, checked, { onMiss: false, writesFailOver });
}
