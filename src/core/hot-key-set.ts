/**
 * The keys that are hot now, by their names in the store (`operation.key`): written by a cache that finds them (`hotKeys.split`), asked by
 * a route that treats them in another way (`replicatedKeys`). Both are given the same object, and each process has its own. A key leaves it when it cools
 * down, and has another name after a `clear`.
 */
export interface HotKeySet {
  has(key: string): boolean;
  add(key: string): void;
  delete(key: string): void;
  readonly size: number;
}

/** An empty set of hot keys. */
export function hotKeySet(): HotKeySet {
  return new Set<string>();
}
