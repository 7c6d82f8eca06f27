import type { Key, LoadingCache, Product } from './adapter.ts';

/** No cache, the floor: a `Map` that knows no time, no limit, no loading twice, and answers without a promise. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const values = new Map<Key, Product>();
  return {
    get: (key) =>
      values.get(key) ??
      load(key).then((value) => {
        values.set(key, value);
        return value;
      }),
  };
}
