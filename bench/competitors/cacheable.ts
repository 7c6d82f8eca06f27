import { Cacheable } from 'cacheable';
import { type Key, lifetime, type LoadingCache, type Product } from './adapter.ts';

/** Its keys are strings only: whoever has a number makes one. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const cache = new Cacheable({ ttl: lifetime });
  return { get: (key) => cache.getOrSet(String(key), () => load(key), { ttl: lifetime }) };
}
