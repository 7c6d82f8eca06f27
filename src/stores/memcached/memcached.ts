import type { Duration } from '../../core/duration.ts';
import { wrongOption } from '../../core/error.ts';
import { lending } from '../../core/lending.ts';
import { HealthGroup, type HealthGroupOptions } from '../../net/health-group.ts';
import type { PlacementName } from '../../routes/placement/placement-by-name.ts';
import type { PlacementKind } from '../../routes/placement/placement.ts';
import {
  isServerList,
  readMembers,
  type Server,
  type ServerList,
} from '../../routes/server-list/server-list.ts';
import { checkedOptions } from '../../routes/route-options.ts';
import { sharded } from '../../routes/sharded.ts';
import { readAddress } from './address.ts';
import { MemcachedPool, type MemcachedStore } from './memcached-pool.ts';
import { PoolSafety, type SafetyOptions } from './pool-safety.ts';
import type { ServerSettings } from './server.ts';

export interface MemcachedOptions extends ServerSettings, SafetyOptions {
  /**
   * `'10.0.0.1:11211'`, `'[::1]:11211'`, `'unix:/run/memcached.sock'`, or `{ address, id, weight }`; or a list that may change while
   * the process runs: `dnsServers`, `fileServers`, `elastiCacheServers`, `polledServers`.
   */
  readonly servers: readonly Server[] | ServerList;
  /** Which server a key goes to. All processes must say the same. Default `rendezvous`. */
  readonly placement?: PlacementName | PlacementKind;
  /** Mixed into the placement: give each of several pools its own, so that the keys of a lost server do not meet again on one of the other's. Default none. */
  readonly salt?: string;
  /** What of a key chooses its server: keys for which it answers the same share one. Default: the whole key. */
  readonly routingKey?: (key: string) => string;
  /** A server that has left the list is let go after this time. Default 5 s. */
  readonly drain?: Duration;
  /** When most servers seem to be down it is rather the network, and they are asked all the same. */
  readonly failOpen?: HealthGroupOptions;
  /** For errors and events. Default `memcached <server>`, or `memcached` where there are several. */
  readonly name?: string;
}

/**
 * Memcached servers (1.6.10 or later) as one `Store`. Throws `CISTERN_OPTION` for wrong options.
 *
 * What it cannot do as the contract says, because the server has no such command: spans are whole seconds, rounded up, and
 * one second may be added (never less than asked); `append`, `prepend` and `replace` take the placeholder of a lease for an entry, and
 * `count` fails on it; what `count` creates has no stale share and no flags; a number that `count` made shorter is padded with
 * spaces for a `get`. The value of a `set` must not be changed before the reply. A value that is answered may share a
 * buffer of 32 KiB with others: copy what is kept for long.
 */
export function memcached(options: MemcachedOptions): MemcachedStore {
  return poolOf(options, false);
}

/** The same, with values that are lent: see `core/lending`. Nothing may stand between it and the one who asks. */
export function lendingMemcached(options: MemcachedOptions): MemcachedStore {
  return lending(poolOf(options, true));
}

function poolOf(options: MemcachedOptions, lends: boolean): MemcachedStore {
  checkedOptions(options, known);
  const { servers, placement, salt, routingKey, drain, failOpen, name, ...settings } = options;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw wrongOption('name', name, 'a text that is not empty');
  const { runtime } = settings;
  const group = new HealthGroup(failOpen);
  const members = isServerList(servers) ? [] : readMembers('servers', servers);
  for (const [index, { address }] of members.entries()) readAddress(`servers[${index}]`, address);
  const isOne = members.length === 1;
  const safety = new PoolSafety(settings);
  try {
    const pool = sharded({
      servers,
      make: ({ id, address }) => {
        const own = name === undefined ? `memcached ${address}` : isOne ? name : `${name} ${address}`;
        return safety.server({ ...settings, server: address, name: own }, id, group, lends);
      },
      ...defined({ placement, salt, routingKey, drain, runtime }),
      name: name ?? (isOne ? `memcached ${members[0]!.address}` : 'memcached'),
    });
    return new MemcachedPool(pool, safety);
  } catch (thrown) {
    safety.abandon();
    throw thrown;
  }
}

const known: readonly (keyof MemcachedOptions)[] = [
  ...([
    'servers',
    'timeout',
    'placement',
    'salt',
    'routingKey',
    'drain',
    'failOpen',
    'name',
    'poolName',
    'fence',
  ] as const),
  ...([
    'journal',
    'onWriteFailure',
    'pool',
    'health',
    'connectTimeout',
    'maxInFlight',
    'maxBytesInFlight',
  ] as const),
  ...(['tls', 'authentication', 'raw', 'runtime'] as const),
];

/** Without what is left out, which is not the same as `undefined`. */
function defined<T extends object>(options: T): { [K in keyof T]: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
