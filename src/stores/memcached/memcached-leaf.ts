import { asError, wrongOption } from '../../core/error.ts';
import { heard, tell } from '../../core/events.ts';
import { reliable } from '../../core/reliable.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { Operation, Reply, Right, Store } from '../../core/store.ts';
import { unavailable } from '../../net/connection-errors.ts';
import { ConnectionPool, type PoolOptions } from '../../net/connection-pool.ts';
import type { Connection } from '../../net/connection.ts';
import type { Exchange } from '../../net/exchange.ts';
import type { PoolStatistics } from '../../net/pool-statistics.ts';
import { longestServerKey } from '../../wire/memcached-meta/meta-request.ts';
import type { MetaReply } from '../../wire/memcached-meta/meta-reply.ts';
import { ValueSlab } from '../../wire/memcached-meta/value-slab.ts';
import type { ServerFeatures } from '../../wire/memcached-meta/server-version.ts';
import { BareCall, Call, type Caller, Clearing, Repair } from './call.ts';
import { closedKey, Conversation, type Speaker } from './conversation.ts';
import type { EntryForm } from './entry-form.ts';
import { contractForm } from './entry-life.ts';
import { requestOf } from './operation-request.ts';
import { rawForm } from './raw-entry.ts';
import {
  prefixLength,
  type ReadGate,
  type ServerFence,
  type ServerParts,
  type ServerStore,
} from './server-parts.ts';

let captured: (reply: Reply) => void;
/** One executor for all promises: a closure for each would be made for nothing. */
function capture(resolve: (reply: Reply) => void): void {
  captured = resolve;
}

/** What an operation that failed is called where that is told: it may be anything. */
function namesOf(operation: Operation): { readonly operation: string; readonly key: string } {
  try {
    return { operation: String(operation.kind), key: String(operation.key) };
  } catch {
    return { operation: 'none', key: '' };
  }
}

/** What is held back with the calls of users: not what goes out with a prefix of its own. */
function isHeld(exchange: Exchange): boolean {
  return exchange instanceof Call && !isOwn(exchange);
}

/** What nobody observes: it is not a user's. */
function isOwn(call: Call): boolean {
  return call instanceof BareCall || call instanceof Repair;
}

export interface LeafOptions extends PoolOptions {
  /** `name password`, where the server asks for them. */
  readonly credentials?: Uint8Array | undefined;
  readonly raw?: boolean;
}

/** The leaf for one memcached server. Made by `memcachedServer()`. */
export class MemcachedLeaf implements ServerStore, Caller, Speaker {
  readonly name: string;
  readonly parts: readonly Store[] = [];
  readonly raw: boolean;
  readonly form: EntryForm;
  readonly fence: ServerFence | undefined;
  readonly credentials: Uint8Array | undefined;
  readonly #prefixLength: number;
  readonly #longestKey: number;
  readonly #runtime: Runtime;
  readonly #lends: boolean;
  readonly #observer: ServerParts['observer'];
  readonly #gate: ReadGate | undefined;
  readonly #pool: ConnectionPool;
  /** Whether the server keeps CAS values: by its version, and until it has answered `c0` (option `-C`). */
  #casKept = true;

  /** `Kind` is for tests that need a connection with a fault. */
  constructor(options: LeafOptions, parts: ServerParts = {}, Kind?: typeof Connection) {
    this.name = options.name;
    this.credentials = options.credentials;
    this.raw = options.raw ?? false;
    this.#runtime = options.runtime;
    const { clock } = options.runtime;
    this.form = this.raw ? rawForm(() => clock.wall()) : contractForm;
    this.#prefixLength = parts.fence === undefined ? 0 : prefixLength;
    this.#longestKey = longestServerKey - this.#prefixLength;
    const { observer, group, gate, lends = false } = parts;
    this.#lends = lends;
    this.#observer = observer;
    this.#gate = gate;
    this.#pool = new ConnectionPool(
      { ...options, group, marked: (error) => this.#marked(error) },
      (connection) => new Conversation(this, connection),
      Kind,
    );
    this.fence = parts.fence?.(this);
    this.#pool.start();
    reliable(this);
  }

  execute(operation: Operation): Promise<Reply> {
    let promise: Promise<Reply>;
    let call: Call;
    try {
      const line = this.#line(operation, this.#longestKey);
      if (this.closes(operation)) {
        return Promise.resolve(this.#failure(operation, unavailable(this.name, closedKey), 'no'));
      }
      promise = new Promise<Reply>(capture);
      call = new Call(this, operation, line, captured, this.#prefixLength);
    } catch (thrown) {
      return Promise.resolve(this.#failure(operation, asError(thrown), 'no'));
    }
    this.#pool.send(call);
    return promise;
  }

  closes(operation: Operation): boolean {
    const gate = this.#gate;
    return gate !== undefined && gate.size > 0 && operation.kind === 'get' && gate.closes(operation.key);
  }

  executeBare(operation: Operation): Promise<Reply> {
    return new Promise((resolve) => {
      const call = this.bareCall(operation, resolve);
      if (call instanceof Call) this.#pool.send(call, true);
      else resolve(call);
    });
  }

  repair(operation: Operation): Promise<Reply> {
    return new Promise((resolve) => {
      this.#pool.send(
        new Repair(this, operation, this.#line(operation, this.#longestKey), resolve, this.#prefixLength),
        true,
      );
    });
  }

  /** A server with a fence becomes another one to all processes; another is told to forget everything. */
  clear(): Promise<boolean> {
    if (this.fence !== undefined) return this.fence.replace();
    return new Promise((resolve) => this.#pool.send(new Clearing(resolve)));
  }

  hold(error: Error | undefined): void {
    this.#pool.hold(error, isHeld);
  }

  stats(): PoolStatistics {
    return this.#pool.statistics();
  }

  close(): Promise<void> {
    this.fence?.closed();
    const closed = this.#pool.close();
    this.#observer?.closed?.();
    return closed;
  }

  newSlab(): ValueSlab {
    return new ValueSlab(this.#lends ? (callback) => this.#runtime.defer(callback) : undefined);
  }

  learn(features: ServerFeatures): void {
    this.#casKept = features.cas;
  }

  learnCasOff(): void {
    this.#casKept = false;
  }

  bareCall(operation: Operation, resolve: (reply: Reply) => void): Call | Reply {
    try {
      return new BareCall(this, operation, this.#line(operation, longestServerKey, 0), resolve, '');
    } catch (thrown) {
      return this.#failure(operation, asError(thrown), 'no');
    }
  }

  fail(call: Call, error: Error, maybeApplied: boolean): void {
    const { operation } = call;
    const applied = maybeApplied ? 'unknown' : 'no';
    const reply = this.#failure(operation, error, applied);
    const kept = isOwn(call) ? undefined : this.#observed(call, applied, error);
    if (kept === undefined) call.settle(reply);
    else {
      const settle = (): void => call.settle(reply);
      kept.then(settle, settle);
    }
  }

  giveBack(call: Call, answer: MetaReply): void {
    if (answer.cas === '' || answer.cas === '0') return;
    const leasing = call.operation.kind === 'get' && call.operation.lease !== undefined;
    const right: Right = this.form.isPlaceholder(answer, leasing)
      ? 'lease'
      : answer.stale
        ? 'stale'
        : 'recache';
    const release: Operation = {
      kind: 'release',
      key: call.operation.key,
      right,
      cas: answer.cas,
      deadline: Number.POSITIVE_INFINITY,
    };
    const line = requestOf(release, true, longestServerKey);
    this.#pool.send(new BareCall(this, release, line, undefined, call.prefix!), true);
  }

  #line(operation: Operation, longest: number, era = this.fence?.era ?? 0): string {
    const line = requestOf(operation, this.#casKept, longest, era, this.form);
    const { deadline } = operation;
    if (typeof deadline !== 'number' || !(deadline > 0)) {
      throw wrongOption('deadline', deadline, 'a point in time on the monotonic clock');
    }
    return line;
  }

  #marked(error: Error | undefined): void {
    try {
      if (error === undefined) this.#observer?.up?.();
      else this.#observer?.down?.(error);
    } catch (thrown) {
      tell('background-failed', { cache: this.name, error: thrown });
    }
  }

  #observed(call: Call, applied: 'no' | 'unknown', error: Error): Promise<void> | undefined {
    try {
      return this.#observer?.failed(call.operation, applied, error, call.prefix);
    } catch (thrown) {
      // Whoever waits for this and other answers has nothing to do with it.
      tell('background-failed', { cache: this.name, error: thrown });
      return undefined;
    }
  }

  /** Makes the reply of an operation that failed, and tells of it. */
  #failure(operation: Operation, error: Error, applied: 'no' | 'unknown'): Reply {
    if (heard('store-failed')) {
      tell('store-failed', {
        store: this.name,
        ...namesOf(operation),
        applied,
        error,
      });
    }
    return { kind: 'failed', error, applied };
  }
}
