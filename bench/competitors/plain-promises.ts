import type { Key, LoadingCache, Product } from './adapter.ts';

/** No cache, the other floor: a `Map` of the loads' own promises, so that a hit makes no promise and awaits one that is done. */
export function openLoadingCache(load: (key: Key) => Promise<Product>): LoadingCache {
  const promises = new Map<Key, Promise<Product>>();
  return {
    get(key) {
      let promise = promises.get(key);
      if (promise === undefined) promises.set(key, (promise = load(key)));
      return promise;
    },
  };
}
