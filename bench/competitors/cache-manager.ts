import { createCache } from 'cache-manager';
import { type Key, lifetime, type LoadingCache, type Product } from './adapter.ts';

/** Its keys are strings only: whoever has a number makes one. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const cache = createCache({ ttl: lifetime });
  return { get: (key) => cache.wrap(String(key), () => load(key)) };
}
