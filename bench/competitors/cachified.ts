import { type Cache, type CacheEntry, cachified, totalTtl } from '@epic-web/cachified';
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import {
  capacity,
  type FleetCache,
  type FleetOptions,
  type Key,
  lifetime,
  type LoadingCache,
  type Product,
} from './adapter.ts';

/** Its keys are strings only: whoever has a number makes one. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const entries = new LRUCache<string, CacheEntry>({ max: capacity });
  const cache: Cache = {
    set(key, value) {
      const ttl = totalTtl(value.metadata);
      return entries.set(key, value, {
        ...(ttl !== Infinity && { ttl }),
        ...(value.metadata.createdTime && { start: value.metadata.createdTime }),
      });
    },
    get: (key) => entries.get(key),
    delete: (key) => entries.delete(key),
  };
  return {
    get: (key) => cachified({ key: String(key), cache, ttl: lifetime, getFreshValue: () => load(key) }),
  };
}

export async function openFleetCache(options: FleetOptions): Promise<FleetCache> {
  const client = new Redis({ ...options.address });
  const cache: Cache = {
    async set(key, value) {
      await client.set(key, JSON.stringify(value), 'PX', Math.ceil(totalTtl(value.metadata)));
    },
    async get(key) {
      const text = await client.get(key);
      return text === null ? null : (JSON.parse(text) as CacheEntry);
    },
    async delete(key) {
      await client.del(key);
    },
  };
  return {
    get: (key) =>
      cachified({
        key,
        cache,
        ttl: options.freshFor,
        swr: options.staleFor,
        getFreshValue: () => options.load(key),
      }),
    async close() {
      await client.quit();
    },
  };
}
