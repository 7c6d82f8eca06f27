import { wrongOption } from '../../core/error.ts';
import { reliable } from '../../core/reliable.ts';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { JournalStatistics } from '../../routes/journal/journal.ts';
import type { PoolSafety } from './pool-safety.ts';

/** What `memcached()` answers. */
export interface MemcachedStore extends Store {
  /** What is owed to the servers. `undefined` without a journal. */
  journal(): JournalStatistics | undefined;
  /** Repairs now what can be repaired, for so many milliseconds at most (default 1000). True: no server is owed anything. `close` does it too. Rejects with `CISTERN_OPTION` for what is no span. */
  flush(milliseconds?: number): Promise<boolean>;
}

/** The servers of a pool as one store, with what keeps them safe. */
export class MemcachedPool implements MemcachedStore {
  readonly name: string;
  readonly parts: readonly Store[];
  readonly #servers: Store;
  readonly #safety: PoolSafety;
  #closing: Promise<void> | undefined;

  constructor(servers: Store, safety: PoolSafety) {
    this.name = servers.name;
    this.parts = [servers];
    this.#servers = servers;
    this.#safety = safety;
    reliable(this);
  }

  execute(operation: Operation): Promise<Reply> {
    return this.#servers.execute(operation);
  }

  journal(): JournalStatistics | undefined {
    return this.#safety.statistics();
  }

  async flush(milliseconds?: number): Promise<boolean> {
    if (milliseconds !== undefined && !(milliseconds >= 0 && milliseconds < 2 ** 31))
      throw wrongOption('milliseconds', milliseconds, 'a number from 0');
    return await this.#safety.flush(milliseconds);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    // What is owed can only be repaired while there are connections. With nothing owed nothing is waited for.
    if (this.#safety.owes) await this.#safety.flush();
    await this.#servers.close();
    await this.#safety.close();
  }
}
