import type { Operation, Reply, Store } from '../../src/core/store.ts';

/** A store that looks at what goes to the servers, and changes nothing. */
export class WatchedStore implements Store {
  readonly name: string;
  readonly parts: readonly Store[];
  readonly #store: Store;
  readonly #leaves = new Map<string, Store>();
  readonly #gets = new Map<string, number>();
  /** Is told of every get of a row that is not a hit. */
  missed: ((id: string, kind: 'miss' | 'failed') => void) | undefined;

  constructor(store: Store) {
    this.name = store.name;
    this.parts = [store];
    this.#store = store;
  }

  execute(operation: Operation): Promise<Reply> {
    if (operation.kind !== 'get' || operation.copy !== undefined) return this.#store.execute(operation);
    const id = operation.key.slice(operation.key.lastIndexOf("'") + 1);
    this.#count(id, operation);
    const reply = this.#store.execute(operation);
    const { missed } = this;
    if (missed !== undefined)
      void reply.then(({ kind }) => {
        if (kind === 'miss' || kind === 'failed') missed(id, kind);
      });
    return reply;
  }

  /** How often this id was asked for. */
  getsOf(id: string): number {
    return this.#gets.get(id) ?? 0;
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** The server that this id is asked of first, once it has been asked for. Rows that are read once are not remembered. */
  leafOf(id: string): Store | undefined {
    return this.#leaves.get(id);
  }

  #count(id: string, operation: Operation): void {
    if (isFresh(id)) return;
    this.#gets.set(id, this.getsOf(id) + 1);
    if (!this.#leaves.has(id)) this.#leaves.set(id, firstLeaf(this.#store, operation));
  }
}

/** The leaf that an operation would be sent to first. */
export function firstLeaf(store: Store, operation: Operation): Store {
  const first = store.destinations?.(operation)[0];
  if (first !== undefined) return firstLeaf(first.store, first.operation);
  return store.parts[0] === undefined ? store : firstLeaf(store.parts[0], operation);
}

/** Rows that are asked for once and never again: what makes a hit ratio less than one. */
export function freshId(number: number): string {
  return `new${number}`;
}

export function isFresh(id: string): boolean {
  return id.startsWith('new');
}
