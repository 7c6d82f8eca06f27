import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import {
  capacity,
  type FleetCache,
  type FleetOptions,
  type Key,
  lifetime,
  type LoadingCache,
  type Product,
} from './adapter.ts';

export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const cache = createCache({
    ttl: lifetime / 1000,
    storage: { type: 'memory', options: { size: capacity } },
  }).define('product', load);
  return { get: (key) => cache.product(key) };
}

export async function openFleetCache(options: FleetOptions): Promise<FleetCache> {
  const client = new Redis({ ...options.address });
  const cache = createCache({
    ttl: options.freshFor / 1000,
    stale: options.staleFor / 1000,
    storage: { type: 'redis', options: { client } },
  }).define('product', options.load);
  return {
    get: (key) => cache.product(key),
    async close() {
      await client.quit();
    },
  };
}
