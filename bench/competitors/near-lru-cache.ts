import { LRUCache } from 'lru-cache';
import { type Item, type Key, lifetime, type NearCache } from './adapter.ts';

export function openNearCache(capacity: number, parameters: Record<string, unknown>): NearCache {
  const cache = new LRUCache<Key, Item>(
    parameters['ttl'] === true ? { max: capacity, ttl: lifetime } : { max: capacity },
  );
  return { get: (key) => cache.get(key), set: (key, value) => void cache.set(key, value) };
}
