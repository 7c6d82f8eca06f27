import { wrongOption } from '../../core/error.ts';
import { readAddress } from './address.ts';
import { MemcachedPool, type MemcachedStore } from './memcached-pool.ts';
import { PoolSafety, type SafetyOptions } from './pool-safety.ts';
import type { ServerSettings } from './server.ts';

export interface MemcachedOptions extends ServerSettings, SafetyOptions {
  /** Exactly one for now: `'10.0.0.1:11211'`, `'[::1]:11211'` or `'unix:/run/memcached.sock'`. */
  readonly servers: readonly string[];
  /** For errors and events. Default `memcached <server>`. */
  readonly name?: string;
}

/**
 * A memcached server (1.6.10 or later) as a `Store`. Throws `CISTERN_OPTION` for wrong options.
 *
 * What it cannot do as the contract says, because the server has no such command: spans are whole seconds, rounded up, and
 * one second may be added (never less than asked); `append`, `prepend` and `replace` take the placeholder of a lease for an entry, and
 * `count` fails on it; what `count` creates has no stale share and no flags; a number that `count` made shorter is padded with
 * spaces for a `get`. The value of a `set` must not be changed before the reply. A value that is answered may share a
 * buffer of 32 KiB with others: copy what is kept for long.
 */
export function memcached(options: MemcachedOptions): MemcachedStore {
  if (typeof options !== 'object' || options === null) throw wrongOption('options', options, 'an object');
  const { servers, ...settings } = options;
  if (!Array.isArray(servers) || servers.length !== 1) {
    throw wrongOption('servers', servers, "an array of exactly one address, such as ['127.0.0.1:11211']");
  }
  readAddress('servers[0]', servers[0]);
  const safety = new PoolSafety(settings);
  return new MemcachedPool(safety.server({ ...settings, server: servers[0] }, servers[0]), safety);
}
