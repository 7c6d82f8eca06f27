import { asError, CisternError } from '../core/error.ts';
import { isReliable } from '../core/reliable.ts';
import type { Destination, Operation, Reply, Store } from '../core/store.ts';
import { failure } from './failure.ts';

/**
 * A part as a route may call it: whatever it does (throw, reject, answer no reply), the route gets a reply. Parts that are
 * known to be reliable are given back as they are; others cost one more promise per operation.
 */
export function guardedPart(store: Store): Store {
  return isReliable(store) ? store : new GuardedPart(store);
}

class GuardedPart implements Store {
  readonly name: string;
  readonly parts: readonly Store[];
  readonly #store: Store;

  constructor(store: Store) {
    this.name = store.name;
    this.parts = [store];
    this.#store = store;
  }

  execute(operation: Operation): Promise<Reply> {
    try {
      return this.#store.execute(operation).then(this.#checked, this.#broken);
    } catch (thrown) {
      return Promise.resolve(this.#broken(thrown));
    }
  }

  destinations(operation: Operation): readonly Destination[] {
    return [{ store: this.#store, role: 'first', operation }];
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  readonly #checked = (reply: Reply | undefined): Reply =>
    typeof reply?.kind === 'string' ? reply : this.#broken(new Error('it answered no reply'));

  /** It may have done something before it broke. */
  readonly #broken = (thrown: unknown): Reply => {
    const problem = asError(thrown).message;
    return failure(
      new CisternError('CISTERN_UNAVAILABLE', { store: `Store '${this.name}'`, problem }, thrown),
      'unknown',
    );
  };
}
