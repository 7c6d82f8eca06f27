import { conflict, type Operation, type Reply, type Store } from '../../core/store.ts';
import { withCas } from '../cas-brand.ts';

/**
 * After a change of the ring there are CAS values about that another server gave, and they are numbers that the new one may give as
 * well. So for a while the CAS of a key that has moved is marked with the store that gave it, and one that another store gave names no
 * state of the entry that is there now: a conflict. Keys that have not moved are not touched.
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
    const sent = this.sent(operation, store);
    if (sent === undefined) return Promise.resolve(conflict);
    const reply = store.execute(sent);
    return this.#before(operation) === store ? reply : reply.then((given) => this.#marked(given, store));
  }

  /** The operation as it is sent; `undefined`: its CAS is another store's. */
  sent(operation: Operation, store: Store): Operation | undefined {
    const cas = 'cas' in operation ? operation.cas : undefined;
    if (typeof cas !== 'string') return operation;
    if (!cas.startsWith(this.#mark)) return this.#before(operation) === store ? operation : undefined;
    const own = this.#prefix(store);
    if (!cas.startsWith(own)) return undefined;
    return { ...operation, cas: cas.slice(own.length) } as Operation;
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
