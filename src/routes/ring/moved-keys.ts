import type { Operation, Reply, Store } from '../../core/store.ts';
import { withCas } from '../cas-brand.ts';

/**
 * After a change of the ring there are CAS values about that another server gave, and they are numbers that the new one may give as
 * well. So for a while the CAS of a key that has moved is marked with the store that gave it, and what another store gave is made
 * such that it names no state of the entry that is there now. Keys that have not moved are not touched.
 */
export class MovedKeys {
  /** The store of an operation before the change. */
  readonly #before: (operation: Operation) => Store | undefined;
  readonly #mark: string;
  readonly #numbers = new Map<Store, number>();

  /** The mark must be no one else's: other routes mark what they hand on, too. */
  constructor(mark: string, before: (operation: Operation) => Store | undefined) {
    this.#before = before;
    this.#mark = `${mark}.`;
  }

  /** Asks the store that serves the key now. */
  ask(operation: Operation, store: Store): Promise<Reply> {
    const reply = store.execute(this.sent(operation, store));
    return this.#before(operation) === store ? reply : reply.then((given) => this.#marked(given, store));
  }

  /** The operation as it is sent: a CAS of another store becomes one that the store cannot have given. */
  sent(operation: Operation, store: Store): Operation {
    const cas = 'cas' in operation ? operation.cas : undefined;
    if (typeof cas !== 'string') return operation;
    const own = this.#prefix(store);
    if (cas.startsWith(own)) return { ...operation, cas: cas.slice(own.length) } as Operation;
    if (cas.startsWith(this.#mark) || this.#before(operation) === store) return operation;
    return { ...operation, cas: this.#mark + cas } as Operation;
  }

  #marked(reply: Reply, store: Store): Reply {
    const marks = reply.kind === 'hit' || reply.kind === 'miss' || reply.kind === 'stored';
    return marks && reply.cas !== '' ? withCas(reply, this.#prefix(store) + reply.cas) : reply;
  }

  #prefix(store: Store): string {
    let number = this.#numbers.get(store);
    if (number === undefined) this.#numbers.set(store, (number = this.#numbers.size));
    return `${this.#mark}${number}@`;
  }
}
