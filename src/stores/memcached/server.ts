import { type Bytes, bytes } from '../../core/bytes.ts';
import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import { realRuntime, type Runtime } from '../../core/runtime.ts';
import { readTarget, type TlsOptions } from './address.ts';
import { type Authentication, readCredentials } from './authentication.ts';
import { type HealthOptions, readHealth } from './health-options.ts';
import { type LeafOptions, MemcachedLeaf } from './memcached-leaf.ts';
import { type PoolOptions, readPool } from './pool-options.ts';
import type { ServerParts, ServerStore } from './server-parts.ts';

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
