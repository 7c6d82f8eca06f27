import { type Bytes, bytes } from '../../core/bytes.ts';
import { type Duration, milliseconds } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import { realRuntime, type Runtime } from '../../core/runtime.ts';
import type { Store } from '../../core/store.ts';
import { readAddress } from './address.ts';
import { MemcachedLeaf } from './memcached-leaf.ts';

export interface MemcachedOptions {
  /** Exactly one for now: `'10.0.0.1:11211'`, `'[::1]:11211'` or `'unix:/run/memcached.sock'`. */
  readonly servers: readonly string[];
  /** Longest time for one operation; a nearer deadline of its own counts. Default 50 ms. */
  readonly timeout?: Duration;
  /** Longest time until a new connection has told its version. Default 1 s. Operations that wait for it keep their own deadline. */
  readonly connectTimeout?: Duration;
  /** Most operations under way, those that nobody waits for any more included; beyond it they fail at once. Default 16384. */
  readonly maxInFlight?: number;
  /** Most bytes of requests under way. Default 64 MB. */
  readonly maxBytesInFlight?: Bytes;
  /** For errors and events. Default `memcached <server>`. */
  readonly name?: string;
  readonly runtime?: Runtime;
}

/**
 * A memcached server (1.6.10 or later) as a `Store`, over one connection. Throws `CISTERN_OPTION` for wrong options.
 *
 * What it cannot do as the contract says, because the server has no such command: spans are whole seconds, rounded up, and
 * one second may be added (never less than asked); `append`, `prepend` and `replace` take the placeholder of a lease for an entry, and
 * `count` fails on it; what `count` creates has no stale share and no flags; a number that `count` made shorter is padded with
 * spaces for a `get`. The value of a `set` must not be changed before the reply. A value that is answered may share a
 * buffer of 32 KiB with others: copy what is kept for long.
 */
export function memcached(options: MemcachedOptions): Store {
  if (typeof options !== 'object' || options === null) throw wrongOption('options', options, 'an object');
  const { servers, name } = options;
  if (!Array.isArray(servers) || servers.length !== 1) {
    throw wrongOption('servers', servers, "an array of exactly one address, such as ['127.0.0.1:11211']");
  }
  const target = readAddress('servers[0]', servers[0]);
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw wrongOption('name', name, 'a text that is not empty');
  }
  const maxInFlight = options.maxInFlight ?? 16_384;
  if (!Number.isInteger(maxInFlight) || maxInFlight < 1) {
    throw wrongOption('maxInFlight', maxInFlight, 'a whole number from 1');
  }
  return new MemcachedLeaf({
    name: name ?? `memcached ${servers[0]}`,
    target,
    timeout: milliseconds('timeout', options.timeout ?? 50),
    connectTimeout: milliseconds('connectTimeout', options.connectTimeout ?? 1000),
    maxInFlight,
    maxBytesInFlight: bytes('maxBytesInFlight', options.maxBytesInFlight ?? '64mb'),
    runtime: options.runtime ?? realRuntime,
  });
}
