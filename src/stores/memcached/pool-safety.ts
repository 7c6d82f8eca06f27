import { asError, CisternError, wrongOption } from '../../core/error.ts';
import { tell } from '../../core/events.ts';
import { realRuntime, type Runtime } from '../../core/runtime.ts';
import type { Operation } from '../../core/store.ts';
import type { HealthGroup } from '../../net/health-group.ts';
import { unavailable } from '../../net/connection-errors.ts';
import { Journal, type JournalOptions, type JournalStatistics } from '../../routes/journal/journal.ts';
import { invalidationKind, type LostKind, type LostWrite } from '../../routes/journal/lost-write.ts';
import type { Mender, ServerJournal } from '../../routes/journal/server-journal.ts';
import { MemcachedFence } from './server-fence.ts';
import type { ServerObserver, ServerStore } from './server-parts.ts';
import { memcachedServer, type ServerOptions } from './server.ts';

/** What keeps a pool from ever serving what was invalidated. */
export interface SafetyOptions {
  /**
   * Names the pool in the record that each server keeps of it. The same in all processes that share these servers; two pools on one
   * server have two names. 1 to 64 characters from 0x21 to 0x7e. Default `main`.
   */
  readonly poolName?: string;
  /**
   * Every key on a server carries the incarnation of the server, so that one that comes back with old values is cold, never stale. All
   * processes that share the servers must say the same. Default true. False: keys are as they are, for sharing them with clients of another kind.
   */
  readonly fence?: boolean;
  /** Where invalidations go that a server did not confirm, until they are repaired. Default: in memory. False: nowhere. */
  readonly journal?: JournalOptions | false;
  /**
   * For those who keep a journal of their own: told of every invalidation that a server did not confirm, and Cistern keeps none. The caller
   * is answered once the promise is settled, a second later at most.
   */
  readonly onWriteFailure?: (failure: WriteFailure) => void | Promise<void>;
  readonly runtime?: Runtime;
}

/** An invalidation that a server did not confirm: it may hold an old value of the key. */
export interface WriteFailure {
  readonly server: string;
  readonly operation: LostKind;
  readonly key: string;
  readonly routingKey?: string;
  /** `unknown`: it was sent, and may have been applied or may still be. */
  readonly applied: 'no' | 'unknown';
  readonly error: Error;
}

/** How long a caller may have to wait for `onWriteFailure`, and `close` for repairs, in milliseconds. */
const longestWait = 1000;

/** Fence and journal of the servers of one pool. */
export class PoolSafety {
  readonly journal: Journal | undefined;
  readonly #pool: string;
  readonly #fence: boolean;
  readonly #onWriteFailure: SafetyOptions['onWriteFailure'];
  readonly #runtime: Runtime;

  /** Throws `CISTERN_OPTION`, and `CISTERN_JOURNAL` when another process has the journal's file. */
  constructor(options: SafetyOptions) {
    const { poolName: pool = 'main', fence = true, journal, onWriteFailure, runtime = realRuntime } = options;
    if (typeof pool !== 'string' || !/^[!-~]{1,64}$/.test(pool)) {
      throw wrongOption('poolName', pool, '1 to 64 characters from 0x21 to 0x7e');
    }
    if (typeof fence !== 'boolean') throw wrongOption('fence', fence, 'true or false');
    if (onWriteFailure !== undefined && typeof onWriteFailure !== 'function') {
      throw wrongOption('onWriteFailure', onWriteFailure, 'a function');
    }
    if (journal !== undefined && journal !== false && (typeof journal !== 'object' || journal === null)) {
      throw wrongOption('journal', journal, 'an object, or false');
    }
    if (journal && onWriteFailure !== undefined) {
      throw wrongOption('journal', journal, "left out together with 'onWriteFailure', which keeps its own");
    }
    this.#pool = pool;
    this.#fence = fence;
    this.#onWriteFailure = onWriteFailure;
    this.#runtime = runtime;
    const keeps = journal !== false && onWriteFailure === undefined;
    this.journal = keeps ? new Journal(pool, journal ?? {}, runtime) : undefined;
  }

  /** A server of the pool. `id`: the name that it has in every process and after every restart. `lends`: see `core/lending`. */
  server(options: ServerOptions, id: string, group?: HealthGroup, lends = false): ServerStore {
    const { journal } = this;
    const mender = new StoreMender(this.#fence);
    const part = journal?.join(id, mender);
    const fence = this.#fence
      ? (server: ServerStore) =>
          new MemcachedFence(server, {
            pool: this.#pool,
            runtime: this.#runtime,
            ready: journal?.ready ?? Promise.resolve(),
          })
      : undefined;
    const observer = part === undefined ? this.#teller(id) : observed(part, mender);
    const store = memcachedServer(options, { group, fence, gate: part, observer, lends });
    if (journal !== undefined && part !== undefined) this.#connect(store, mender, journal, part);
    return store;
  }

  /** Whether a server is owed anything. */
  get owes(): boolean {
    return this.journal?.owes ?? false;
  }

  /** Before the servers are closed: repairs what can be repaired at once. */
  async flush(milliseconds: number = longestWait): Promise<boolean> {
    return this.journal === undefined || (await this.journal.flush(milliseconds));
  }

  /** The servers could not be made. */
  abandon(): void {
    this.journal?.abandon();
  }

  /** After the servers are closed. */
  async close(): Promise<void> {
    await this.journal?.close();
  }

  statistics(): JournalStatistics | undefined {
    return this.journal?.statistics();
  }

  #connect(store: ServerStore, mender: StoreMender, journal: Journal, part: ServerJournal): void {
    mender.serve(store);
    // With a fence no connection serves before; without one nothing else would keep it from that.
    if (!this.#fence && !journal.read) {
      store.hold(unavailable(store.name, 'the journal of lost invalidations is not read yet'));
      void journal.ready.then(() => mender.serve(store));
    }
    part.up();
  }

  #teller(server: string): ServerObserver | undefined {
    const tellOf = this.#onWriteFailure;
    if (tellOf === undefined) return undefined;
    return {
      failed: (operation, applied, error) => {
        const kind = invalidationKind(operation);
        if (kind === undefined || leavesNothing(operation, error)) return undefined;
        const { key, routingKey } = operation;
        const failure: WriteFailure = {
          server,
          operation: kind,
          key,
          applied,
          error,
          ...(routingKey === undefined ? undefined : { routingKey }),
        };
        return this.#within(server, () => tellOf(failure));
      },
    };
  }

  /** Waits for the user's work, but not for ever, and whatever it throws is told of. */
  #within(server: string, work: () => void | Promise<void>): Promise<void> | undefined {
    const failed = (thrown: unknown): void => {
      tell('background-failed', { cache: server, error: asError(thrown) });
    };
    let working: void | Promise<void>;
    try {
      working = work();
    } catch (thrown) {
      failed(thrown);
      return undefined;
    }
    if (typeof working?.then !== 'function') return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#runtime.after(longestWait, resolve, true);
    void working.then(undefined, failed).then(() => {
      timer.cancel();
      resolve();
    });
    return promise;
  }
}

function observed(part: ServerJournal, mender: Mender): ServerObserver {
  return {
    failed: (operation, applied, error) =>
      leavesNothing(operation, error) ? undefined : part.failed(operation, applied, error),
    up: () => part.up(),
    closed: () => part.leave(mender),
  };
}

/** A memcached that cannot store a value, because it is too large or there is no memory, has removed the old one before it says so. */
function leavesNothing(operation: Operation, error: Error): boolean {
  return (
    operation.kind === 'set' &&
    error instanceof CisternError &&
    error.code === 'CISTERN_SERVER' &&
    /^SERVER_ERROR (?:object too large for cache|out of memory storing object)/.test(
      (error.details as { readonly line: string }).line,
    )
  );
}

/** The store of a server as its journal sees it; it comes a moment later than the journal's part. */
class StoreMender implements Mender {
  readonly renew?: () => Promise<boolean>;
  #store: ServerStore | undefined;
  #held: Error | undefined;

  constructor(fence: boolean) {
    if (fence) this.renew = async () => (await this.#store?.fence?.renew()) ?? false;
  }

  serve(store: ServerStore): void {
    this.#store = store;
    store.hold(this.#held);
  }

  async remove(lost: readonly LostWrite[]): Promise<readonly boolean[]> {
    const store = this.#store;
    if (store === undefined) return lost.map(() => false);
    return await Promise.all(lost.map((each) => removed(store, each)));
  }

  hold(error: Error | undefined): void {
    this.#held = error;
    this.#store?.hold(error);
  }
}

async function removed(store: ServerStore, { key, routingKey, copy }: LostWrite): Promise<boolean> {
  const operation: Operation = {
    kind: 'delete',
    key,
    deadline: Number.POSITIVE_INFINITY,
    ...(routingKey === undefined ? undefined : { routingKey }),
    ...(copy === undefined ? undefined : { copy }),
  };
  try {
    const { kind } = await store.repair(operation);
    return kind === 'stored' || kind === 'notFound';
  } catch {
    // A key that this store does not take: one of an earlier version, from the file.
    return false;
  }
}
