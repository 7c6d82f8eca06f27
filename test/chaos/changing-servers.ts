import type { Member, ServerList } from '../../src/memcached.ts';

/** A list of servers that is changed by hand: one process's view of who is in the pool. */
export class ChangingServers implements ServerList {
  readonly name = 'servers';
  members: readonly Member[];
  readonly #watchers = new Set<() => void>();

  constructor(members: readonly Member[]) {
    this.members = members;
  }

  change(members: readonly Member[]): void {
    this.members = members;
    for (const watcher of this.#watchers) watcher();
  }

  watch(changed: () => void): () => void {
    const watcher = (): void => changed();
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  look(): void {}
}
