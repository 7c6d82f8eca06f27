import { type Bytes, bytes } from '../../core/bytes.ts';
import { asError, CisternError, wrongOption } from '../../core/error.ts';
import { reliable } from '../../core/reliable.ts';
import { realRuntime, type Runtime, type Timer } from '../../core/runtime.ts';
import type { FailedReply, Operation, Reply, Store } from '../../core/store.ts';
import { operationProblem } from '../check-operation.ts';
import { EntryStates } from './entry-states.ts';

export interface MemoryOptions {
  /** What all entries may take together, their overhead included; what was used longest ago makes room. Default 64 MB, least 4 kB. */
  readonly maxBytes?: Bytes;
  /** The largest value. A larger one is a failed write (`CISTERN_TOO_LARGE`), and the older value is gone. Default 1 MB, as of memcached. */
  readonly maxValueBytes?: Bytes;
  /** Keeps flags of 32 bits, and lives of any length or without end: see `Store.raw`. Default false. */
  readonly raw?: boolean;
  /** Default `memory`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/** Operations carried out in one turn of the event loop at most: the rest waits for the next. */
const turnOperations = 1000;

/** Every second so many entries are looked at for whether they are over; more often while many are. */
const sweepInterval = 1000;
const sweepVisits = 2000;

/**
 * Keeps entries as bytes in this process, with everything that the contract knows: leases, recache, stale marks, CAS, life to
 * the millisecond. For tests, examples and single processes; it stands where a shared memcached stands otherwise, and answers
 * as one: what was asked in one turn of the event loop is carried out at its end, in the order of asking. Values are copied
 * in and out; what is answered may share a buffer of 32 KiB with other values: copy what is kept for long. Throws `CISTERN_OPTION` for bad options.
 */
export function memory(options: MemoryOptions = {}): Store {
  return new MemoryStore(options);
}

interface Pending {
  readonly operation: Operation;
  readonly settle: (reply: Reply) => void;
}

class MemoryStore implements Store {
  readonly name: string;
  readonly parts: readonly Store[] = [];
  readonly raw: boolean;
  readonly #runtime: Runtime;
  readonly #states: EntryStates;
  #pending: Pending[] = [];
  #sweeping: Timer | undefined;
  #closed = false;

  constructor(options: MemoryOptions) {
    this.name = options.name ?? 'memory';
    this.raw = options.raw ?? false;
    if (typeof this.raw !== 'boolean') throw wrongOption('raw', this.raw, 'true or false');
    this.#runtime = options.runtime ?? realRuntime;
    const maxBytes = bytes('maxBytes', options.maxBytes ?? '64mb', 4096);
    const maxValueBytes = bytes('maxValueBytes', options.maxValueBytes ?? '1mb', 1);
    this.#states = new EntryStates({ name: this.name, maxBytes, maxValueBytes, raw: this.raw });
    reliable(this);
  }

  execute(operation: Operation): Promise<Reply> {
    if (this.#closed) return Promise.resolve(failed(this.#closedError()));
    const problem = operationProblem(operation, this.raw);
    if (problem !== undefined) return Promise.resolve(failed(problem));
    const kept =
      operation.kind === 'set' ? { ...operation, value: new Uint8Array(operation.value) } : operation;
    return new Promise<Reply>((settle) => {
      if (this.#pending.push({ operation: kept, settle }) === 1) this.#runtime.defer(this.#turn);
    });
  }

  async clear(): Promise<boolean> {
    if (this.#closed) return false;
    this.#states.table.clear();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweeping?.cancel();
    for (const { settle } of this.#pending) settle(failed(this.#closedError()));
    this.#pending = [];
    this.#states.table.clear();
  }

  readonly #turn = (): void => {
    const batch = this.#pending.splice(0, turnOperations);
    if (this.#pending.length > 0) this.#runtime.defer(this.#turn);
    const { clock } = this.#runtime;
    const now = clock.tick || clock.read();
    for (const { operation, settle } of batch) settle(this.#apply(operation, now));
    if (this.#sweeping === undefined && this.#states.table.size > 0) this.#sweepAfter(sweepInterval);
  };

  #apply(operation: Operation, now: number): Reply {
    if (now >= operation.deadline)
      return failed(new CisternError('CISTERN_TIMEOUT', { store: this.name, milliseconds: 0 }));
    try {
      return this.#states.apply(operation, now);
    } catch (thrown) {
      return { kind: 'failed', error: asError(thrown), applied: 'unknown' };
    }
  }

  #closedError(): Error {
    return new CisternError('CISTERN_CLOSED', { what: `The store '${this.name}'` });
  }

  #sweepAfter(milliseconds: number): void {
    this.#sweeping = this.#runtime.after(milliseconds, this.#sweep, false);
  }

  readonly #sweep = (): void => {
    this.#sweeping = undefined;
    const { table } = this.#states;
    const removed = table.sweep(this.#runtime.clock.read(), sweepVisits);
    if (table.size > 0) this.#sweepAfter(removed > sweepVisits / 4 ? sweepInterval / 20 : sweepInterval);
  };
}

/** Nothing was changed. */
function failed(error: Error): FailedReply {
  return { kind: 'failed', error, applied: 'no' };
}
