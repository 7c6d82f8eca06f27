import type { Operation, Reply } from '../../core/store.ts';
import { Exchange } from '../../net/exchange.ts';
import { invalidationKind } from '../../routes/journal/lost-write.ts';
import type { Inquiry, ServerFence } from './server-parts.ts';
import {
  clearRequest,
  loginRequest,
  versionRequest,
  writeRequest,
} from '../../wire/memcached-meta/meta-request.ts';

/** The leaf as its calls see it. */
export interface Caller {
  readonly fence: Pick<ServerFence, 'prefixOf' | 'names' | 'era'> | undefined;
  /** Whether this is a read of a key that must not be read at present. */
  closes(operation: Operation): boolean;
  /** An operation failed: its caller is answered, by and by. */
  fail(call: Call, error: Error, maybeApplied: boolean): void;
}

/** One executed operation: its slot on a connection, and its caller's promise. */
export class Call extends Exchange {
  readonly operation: Operation;
  readonly #line: string;
  readonly #key: string;
  protected readonly caller: Caller;
  readonly #resolve: ((reply: Reply) => void) | undefined;
  /** What it was sent with in front of the key; undefined as long as it was not. */
  prefix: string | undefined = undefined;
  /** The fence's `names` when it was sent; 0 without a fence. */
  names = 0;
  /** The fence's `era` in which it was composed, if it has a CAS; -1: it fits into every one. */
  readonly #era: number;

  constructor(
    caller: Caller,
    operation: Operation,
    line: string,
    resolve: ((reply: Reply) => void) | undefined,
    prefixLength: number,
  ) {
    const { key } = operation;
    super(line.length + key.length + prefixLength, operation.kind === 'set' ? operation.value : undefined);
    this.operation = operation;
    this.#line = line;
    this.#key = key;
    this.caller = caller;
    this.#resolve = resolve;
    const { fence } = caller;
    const changes = fence !== undefined && operation.kind !== 'get';
    this.#era = changes && 'cas' in operation && operation.cas !== undefined ? fence.era : -1;
    this.refreshing = changes && invalidationKind(operation) !== undefined;
  }

  get deadline(): number {
    return this.operation.deadline;
  }

  /** The prefix is that of the moment in which it is sent, however long it has waited. */
  encode(block: Uint8Array, at: number): boolean {
    let { prefix } = this;
    if (prefix === undefined) {
      const { fence } = this.caller;
      if (fence === undefined) prefix = '';
      else {
        if (this.#era !== -1 && this.#era !== fence.era) return false;
        prefix = fence.prefixOf(this.operation);
        if (prefix === undefined) return false;
        this.names = fence.names;
      }
      // It may have waited since it was asked.
      if (this.caller.closes(this.operation)) return false;
      this.prefix = prefix;
    }
    writeRequest(this.#line, prefix, this.#key, block, at);
    return true;
  }

  settle(reply: Reply): void {
    this.#resolve?.(reply);
  }

  failed(error: Error, sent: boolean): void {
    this.caller.fail(this, error, sent && writes(this.operation));
  }
}

/** A call of what repairs: neither held nor observed. */
export class Repair extends Call {}

/** A call whose prefix is given: none, or that of the call whose right it gives back. Neither held nor observed, and its name never changes. */
export class BareCall extends Call {
  constructor(
    caller: Caller,
    operation: Operation,
    line: string,
    resolve: ((reply: Reply) => void) | undefined,
    prefix: string,
  ) {
    super(caller, operation, line, resolve, prefix.length);
    this.prefix = prefix;
    this.names = -1;
    this.refreshing = false;
  }
}

/** The question of a fence that goes along with others. Nobody waits for it, and its answer counts however late it is. */
export class Question extends Exchange {
  readonly deadline: number = Number.POSITIVE_INFINITY;
  readonly inquiry: Inquiry;
  readonly #line: string;

  constructor(inquiry: Inquiry, line: string) {
    super(line.length + inquiry.operation.key.length, undefined);
    this.inquiry = inquiry;
    this.#line = line;
    this.awaited = false;
  }

  encode(block: Uint8Array, at: number): boolean {
    writeRequest(this.#line, '', this.inquiry.operation.key, block, at);
    return true;
  }

  failed(): void {}
}

/** Removes all entries of the server. */
export class Clearing extends Exchange {
  readonly deadline: number = Number.POSITIVE_INFINITY;
  readonly #resolve: (done: boolean) => void;

  constructor(resolve: (done: boolean) => void) {
    super(clearRequest.length, undefined);
    this.#resolve = resolve;
  }

  encode(block: Uint8Array, at: number): boolean {
    writeRequest(clearRequest, '', '', block, at);
    return true;
  }

  settle(done: boolean): void {
    this.#resolve(done);
  }

  failed(): void {
    this.#resolve(false);
  }
}

/** Asks for the version. */
export class VersionQuestion extends Exchange {
  readonly deadline: number = Number.POSITIVE_INFINITY;

  constructor() {
    super(versionRequest.length, undefined);
    this.awaited = false;
  }

  encode(block: Uint8Array, at: number): boolean {
    writeRequest(versionRequest, '', '', block, at);
    return true;
  }

  failed(): void {}
}

/** Gives name and password. */
export class Login extends Exchange {
  readonly deadline: number = Number.POSITIVE_INFINITY;
  readonly #line: string;

  constructor(credentials: Uint8Array) {
    const line = loginRequest(credentials);
    super(line.length, credentials);
    this.#line = line;
    this.awaited = false;
  }

  encode(block: Uint8Array, at: number): boolean {
    writeRequest(this.#line, '', '', block, at);
    return true;
  }

  failed(): void {}
}

/** A read changes nothing, unless it gives the entry a new life. */
export function writes(operation: Operation): boolean {
  return operation.kind !== 'get' || operation.touch !== undefined;
}
