import { cistern } from 'cistern';
import { memcached } from 'cistern/memcached';
import {
  type FleetCache,
  type FleetOptions,
  type Key,
  lifetime,
  type LoadingCache,
  type Product,
} from './adapter.ts';

/** With everything on that a service would use: jitter, stale answers, refresh ahead, negative entries, statistics. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const products = cistern({ name: 'bench' }).define('product', {
    load: (key: Key) => load(key),
    ttl: lifetime,
    staleWhileRevalidate: '1m',
    staleIfError: '1h',
    negativeTtl: '10s',
  });
  return { get: (key) => products.get(key) };
}

export async function openFleetCache(options: FleetOptions): Promise<FleetCache> {
  const { host, port } = options.address;
  const remote = memcached({ servers: [`${host}:${port}`], timeout: '1s' });
  const shop = cistern({ name: 'bench', remote });
  const products = shop.define('product', {
    load: (key: string) => options.load(key),
    ttl: options.freshFor,
    staleWhileRevalidate: options.staleFor,
  });
  return {
    get: (key) => products.get(key),
    async close() {
      await shop.close();
      await remote.close();
    },
  };
}
