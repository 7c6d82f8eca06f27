import { CisternError } from '../core/error.ts';
import { realRuntime, type Runtime } from '../core/runtime.ts';
import {
  type CountOperation,
  type FailedReply,
  missing,
  notStored,
  type Operation,
  plainMiss,
  type Reply,
  type Store,
} from '../core/store.ts';
import { operationProblem } from './check-operation.ts';

export interface NothingOptions {
  /** Default `nothing`. */
  readonly name?: string;
  /** Default: the machine's own. */
  readonly runtime?: Runtime;
}

/**
 * Keeps nothing: the store where no store is configured. It behaves as one that drops every entry at once, which any cache may
 * do: gets are misses without a lease (it could hold nobody to it), unconditional writes are `stored` and gone, and what
 * needs an entry (CAS, replace, append, delete, touch, release) finds none. A count with an initial value answers that.
 * So a cache above keeps what it loads near alone, and no write counts as a failure to be repaired.
 */
export function nothing(options: NothingOptions = {}): Store {
  return new NothingStore(options);
}

const stored: Reply = { kind: 'stored', cas: '' };

class NothingStore implements Store {
  readonly name: string;
  readonly parts: readonly Store[] = [];
  readonly #runtime: Runtime;
  #closed = false;

  constructor(options: NothingOptions) {
    this.name = options.name ?? 'nothing';
    this.#runtime = options.runtime ?? realRuntime;
  }

  async execute(operation: Operation): Promise<Reply> {
    const { clock } = this.#runtime;
    if (this.#closed) return failed(new CisternError('CISTERN_CLOSED', { what: `The store '${this.name}'` }));
    const problem = operationProblem(operation);
    if (problem !== undefined) return failed(problem);
    if ((clock.tick || clock.read()) >= operation.deadline)
      return failed(new CisternError('CISTERN_TIMEOUT', { store: this.name, milliseconds: 0 }));
    switch (operation.kind) {
      case 'get':
        return plainMiss;
      case 'set':
        if (operation.mode === 'append' || operation.mode === 'prepend') return notStored;
        if (operation.mode === 'add') return stored;
        if (operation.cas !== undefined) return missing;
        return operation.mode === 'set' ? stored : notStored;
      case 'count':
        return count(operation);
      case 'delete':
      case 'touch':
      case 'release':
        return missing;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

function count({ initial }: CountOperation): Reply {
  if (initial === undefined) return missing;
  return {
    kind: 'hit',
    value: Uint8Array.from(String(initial.value), (digit) => digit.charCodeAt(0)),
    flags: 0,
    cas: '',
    freshFor: initial.life.freshFor,
    expiresIn: initial.life.freshFor + initial.life.staleFor,
    marked: false,
    claim: 'none',
  };
}

function failed(error: Error): FailedReply {
  return { kind: 'failed', error, applied: 'no' };
}
