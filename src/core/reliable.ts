import type { Store } from './store.ts';

const known = new WeakSet<Store>();

/**
 * Says of a store that it keeps the contract's first law, as its contract suite shows: it never throws, never rejects, and
 * answers nothing but replies. Routes hand the promises of such a part on as they are; a part of which nobody says so is
 * watched over, which costs one more promise per operation. Answers the store.
 */
export function reliable<S extends Store>(store: S): S {
  known.add(store);
  return store;
}

/** Whether somebody has said so. */
export function isReliable(store: Store): boolean {
  return known.has(store);
}
