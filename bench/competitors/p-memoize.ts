import { LRUCache } from 'lru-cache';
import pMemoize from 'p-memoize';
import { capacity, type Key, lifetime, type LoadingCache, type Product } from './adapter.ts';

/** p-memoize keeps no time itself: its readme says to give it a cache that does. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const cache = new LRUCache<Key, Product>({ max: capacity, ttl: lifetime });
  const memoized = pMemoize(load, { cache });
  return { get: (key) => memoized(key) };
}
