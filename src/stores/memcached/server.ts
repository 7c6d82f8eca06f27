import { type Bytes, bytes } from '../../core/bytes.ts';
import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import type { Fence } from '../../core/fence.ts';
import { realRuntime, type Runtime } from '../../core/runtime.ts';
import type { Operation, Reply, Store } from '../../core/store.ts';
import type { HealthGroup } from '../../net/health-group.ts';
import type { PoolStatistics } from '../../net/pool-statistics.ts';
import { readTarget, type TlsOptions } from './address.ts';
import { type Authentication, readCredentials } from './authentication.ts';
import { type HealthOptions, readHealth } from './health-options.ts';
import { type LeafOptions, MemcachedLeaf } from './memcached-leaf.ts';
import { type PoolOptions, readPool } from './pool-options.ts';

/** How one server is talked to: what users set. `memcached()` hands these on to each of its servers. */
export interface ServerSettings {
  /** Longest time for one operation; a nearer deadline of its own counts. Default 50 ms. */
  readonly timeout?: Duration;
  /** Longest time until a new connection serves: connected, TLS agreed on, logged in, its version told. Default 1 s. Operations that wait for it keep their own deadline. */
  readonly connectTimeout?: Duration;
  /** Most operations under way to one server, those that nobody waits for any more included; beyond it they fail at once. Default 16384. */
  readonly maxInFlight?: number;
  /** Most bytes of requests under way to one server. Default 64 MB. */
  readonly maxBytesInFlight?: Bytes;
  /** How many connections. */
  readonly pool?: PoolOptions;
  /** When a server counts as down, and how it is probed. */
  readonly health?: HealthOptions;
  /** Encrypts connections. What the server shows is always checked: against `ca`, else the machine's authorities, and its name. */
  readonly tls?: TlsOptions;
  /** For servers that were started with `-Y`. The name and the password cross the network as they are: use `tls` too. */
  readonly authentication?: Authentication;
  /**
   * Entries as clients of another kind have them: client flags of 32 bits, and times to live of any length or none. For the proxy; a cache
   * needs the stale share that only the usual form keeps. Default false.
   */
  readonly raw?: boolean;
  readonly runtime?: Runtime;
}

export interface ServerOptions extends ServerSettings {
  /** `'10.0.0.1:11211'`, `'[::1]:11211'` or `'unix:/run/memcached.sock'`. */
  readonly server: string;
  /** For errors and events. Default `memcached <server>`. */
  readonly name?: string;
}

/** What the rooms around a leaf plug into it. */
export interface ServerParts {
  /** The servers of the same pool: more than a share of them down, and marks are not obeyed. */
  readonly group?: HealthGroup | undefined;
  readonly observer?: ServerObserver | undefined;
  readonly gate?: ReadGate | undefined;
  /** Makes the fence of the server; called once, while the leaf is made: nothing may be asked before the first `greet`. */
  readonly fence?: ((server: ServerStore) => ServerFence) | undefined;
}

/** Keys that must not be read at present. */
export interface ReadGate {
  /** How many there are: looked at for each read. */
  readonly size: number;
  closes(key: string): boolean;
}

/** Is told what happens at one server. Must not throw. */
export interface ServerObserver {
  /**
   * An operation failed. Called before its caller is answered, in the same turn; when it gives a promise, the caller is answered once
   * that has settled, either way. `prefix`: what the fence put in front of the key; undefined when it was not sent. Not called for
   * `executeBare`, for what a fence asks by itself, nor for wrong operations.
   */
  failed(
    operation: Operation,
    applied: 'no' | 'unknown',
    error: Error,
    prefix: string | undefined,
  ): Promise<void> | undefined;
  /** Marked down: from now on operations fail at once. */
  down?(error: Error): void;
  /** A probe was answered (greeting of the fence included): operations are sent again. */
  up?(): void;
  /** Nothing is sent any more. Operations that were under way may still fail. */
  closed?(): void;
}

/** Asks over one connection, before or together with everything else, the key as it is. Never rejects. */
export type Ask = (operation: Operation) => Promise<Reply>;

/** How many characters every fence puts in front of keys: an incarnation or the token of a departure, 8 characters, and a colon. */
export const prefixLength = 9;

/** A fence's question for its record, on its way. */
export interface Inquiry {
  readonly operation: Operation;
  /** Questions are numbered: an answer must not undo what was learnt after its question. */
  readonly number: number;
  /** Monotonic time. */
  readonly askedAt: number;
}

/** What the leaf needs of the fence of its server, beside what is told to the outside. */
export interface ServerFence extends Fence {
  /**
   * A new connection has told its version; nothing else is sent over it until this is fulfilled: with nothing when it may
   * serve, with an error when it must be given up (that counts as a failed connect). `connectTimeout` is over all of it.
   */
  greet(ask: Ask): Promise<Error | undefined>;
  /**
   * What is put in front of the key of this operation, `prefixLength` characters, as one flat text that is not made anew for each.
   * Asked when the request is written, also when it was executed long before. Undefined: it must not be sent, and fails (`applied: 'no'`).
   */
  prefixOf(operation: Operation): string | undefined;
  /** Changes whenever `prefixOf` may answer otherwise than before. */
  readonly names: number;
  /** Changes with every new incarnation: a CAS from before it names nothing, and its number may be in use again. */
  readonly era: number;
  /** When that was asked for which is known: monotonic time. */
  readonly knownAt: number;
  /**
   * Requests are about to be written, and it is time to ask again or one of them is an invalidation: what goes in front of them. Its
   * answer is handed to `learn` before theirs are looked at.
   */
  inquire(now: number): Inquiry;
  learn(inquiry: Inquiry, reply: Reply): void;
  /** The leaf is closed. */
  closed(): void;
}

/** One memcached server as a store. */
export interface ServerStore extends Store {
  /** There is one when the parts said so. */
  readonly fence: Fence | undefined;
  /** Like `execute` with the key as it is: nothing in front of it, not held, not observed. For the records of fences. */
  executeBare(operation: Operation): Promise<Reply>;
  /** Like `execute`, but not held and not observed. For what repairs. */
  repair(operation: Operation): Promise<Reply>;
  /**
   * For the fence: until it is called with undefined, operations fail at once with this error (`applied: 'no'`), those that wait to be sent
   * included. What was sent is not touched. Connections and probes go on.
   */
  hold(error: Error | undefined): void;
  stats(): PoolStatistics;
}

/** One memcached server (1.6.10 or later): the leaf below `memcached()`. Throws `CISTERN_OPTION` for wrong options. */
export function memcachedServer(options: ServerOptions, parts: ServerParts = {}): ServerStore {
  return new MemcachedLeaf(readServerOptions(options), parts);
}

function readRaw(raw: boolean | undefined): boolean {
  if (raw !== undefined && typeof raw !== 'boolean') throw wrongOption('raw', raw, 'true or false');
  return raw ?? false;
}

function readServerOptions(options: ServerOptions): LeafOptions {
  const { server, name } = options;
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw wrongOption('name', name, 'a text that is not empty');
  }
  const maxInFlight = options.maxInFlight ?? 16_384;
  if (!Number.isInteger(maxInFlight) || maxInFlight < 1) {
    throw wrongOption('maxInFlight', maxInFlight, 'a whole number from 1');
  }
  return {
    name: name ?? `memcached ${server}`,
    target: readTarget('server', server, options.tls),
    credentials: readCredentials(options.authentication),
    raw: readRaw(options.raw),
    timeout: milliseconds('timeout', options.timeout ?? 50),
    connectTimeout: milliseconds('connectTimeout', options.connectTimeout ?? 1000),
    maxInFlight,
    maxBytesInFlight: bytes('maxBytesInFlight', options.maxBytesInFlight ?? '64mb'),
    // A memcached before 1.6.39 forgets what it has read of a record beyond the request that it was at, until more comes.
    lastApart: options.tls !== undefined,
    pool: readPool(options.pool),
    health: readHealth(options.health),
    runtime: options.runtime ?? realRuntime,
  };
}
