import type { Item, Key, NearCache } from './adapter.ts';

/** What no cache can be much below for gets: no eviction, no lifetime. It forgets everything when it has ten times the capacity. */
export function openNearCache(capacity: number): NearCache {
  const map = new Map<Key, Item>();
  return {
    get: (key) => map.get(key),
    set(key, value) {
      if (map.size >= 10 * capacity) map.clear();
      map.set(key, value);
    },
  };
}
