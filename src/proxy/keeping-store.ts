import { keptReply } from '../core/lending.ts';
import type { Operation, Reply, Store } from '../core/store.ts';

/** A store that lends its values, for those who need them for longer. */
export class KeepingStore implements Store {
  readonly name: string;
  readonly parts: readonly Store[];
  readonly #store: Store;

  constructor(store: Store) {
    this.name = store.name;
    this.parts = [store];
    this.#store = store;
  }

  async execute(operation: Operation): Promise<Reply> {
    return keptReply(await this.#store.execute(operation));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
