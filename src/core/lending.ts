import type { Reply, Store } from './store.ts';

const known = new WeakSet<Store>();

/** The largest value that is lent, in bytes; larger ones stay as they are, so that they can be handed to a socket without a copy. */
export const largestLent = 16_384;

/**
 * Says of a store that it lends the values of its hits up to `largestLent`: their bytes are as they were answered until the running turn of the event loop ends, all
 * its microtasks included, and then the store writes over them. For who hands values on at once, and is the only one to ask it. Answers the store.
 */
export function lending<S extends Store>(store: S): S {
  known.add(store);
  return store;
}

/** Whether somebody has said so. */
export function isLending(store: Store): boolean {
  return known.has(store);
}

/** The reply with a value that stays. */
export function keptReply(reply: Reply): Reply {
  if (reply.kind !== 'hit' || reply.value.length > largestLent) return reply;
  return { ...reply, value: new Uint8Array(reply.value) };
}
