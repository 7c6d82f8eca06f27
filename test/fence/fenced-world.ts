import type { Fence } from '../../src/core/fence.ts';
import type { Operation, Reply } from '../../src/core/store.ts';
import type { FenceRecord } from '../../src/stores/memcached/fence-record.ts';
import { MemcachedFence } from '../../src/stores/memcached/server-fence.ts';
import { memcachedServer } from '../../src/stores/memcached/server.ts';
import type { ServerStore } from '../../src/stores/memcached/server-parts.ts';
import { type FakeRuntime, fakeRuntime } from '../../src/testing/fake-runtime.ts';
import { type SimulationOptions, SimulatedMemcached } from '../servers/simulated-memcached.ts';

export type Asked<O = Operation> = O extends Operation ? Omit<O, 'deadline'> : never;

export const recordName = '~cistern:main';
export const life = { freshFor: 60_000, staleFor: 0 };

export function set(key: string, value = 'v'): Asked {
  return { kind: 'set', mode: 'set', key, value: Buffer.from(value), flags: 0, life };
}

export function get(key: string, lease?: number): Asked {
  return { kind: 'get', key, ...(lease === undefined ? undefined : { lease }) };
}

export function remove(key: string): Asked {
  return { kind: 'delete', key };
}

/** What one process has of the server. */
export interface Process {
  readonly store: ServerStore;
  readonly fence: Fence & { readonly era: number };
}

/** A simulated server, and processes that use it with a fence. */
export class FencedWorld {
  readonly runtime: FakeRuntime;
  readonly server: SimulatedMemcached;
  readonly #processes: Process[] = [];

  constructor(options: SimulationOptions = {}) {
    this.runtime = fakeRuntime({ seed: 9 });
    this.server = new SimulatedMemcached(this.runtime, options);
  }

  open(connections = 1, timeout = 50): Process {
    let fence: MemcachedFence | undefined;
    const { runtime } = this;
    const pool = { initial: connections, max: connections, burst: 0 };
    const ready = Promise.resolve();
    const store = memcachedServer(
      { server: '127.0.0.1:11211', runtime, timeout, pool },
      { fence: (made) => (fence = new MemcachedFence(made, { pool: 'main', runtime, ready })) },
    );
    const process = { store, fence: fence! };
    this.#processes.push(process);
    return process;
  }

  /** Asks in one turn. */
  async ask({ store }: Process, ...operations: readonly Asked[]): Promise<readonly Reply[]> {
    const deadline = Infinity;
    return await this.runtime.until(
      Promise.all(operations.map((each) => store.execute({ ...each, deadline } as Operation))),
    );
  }

  async one(process: Process, operation: Asked): Promise<Reply> {
    return (await this.ask(process, operation))[0]!;
  }

  /** What lies on the server. */
  get record(): Omit<FenceRecord, 'departed'> & { readonly departed: object } {
    return JSON.parse(Buffer.from(this.server.items.get(recordName)!.value).toString());
  }

  async end(): Promise<void> {
    await this.runtime.until(Promise.all(this.#processes.splice(0).map(({ store }) => store.close())));
  }
}
