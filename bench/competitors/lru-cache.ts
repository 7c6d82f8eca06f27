import { LRUCache } from 'lru-cache';
import { capacity, type Key, lifetime, type LoadingCache, type Product } from './adapter.ts';

export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const cache = new LRUCache<Key, Product>({ max: capacity, ttl: lifetime, fetchMethod: load });
  return { get: (key) => cache.fetch(key) };
}
