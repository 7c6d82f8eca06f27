import type { Runtime } from '../core/runtime.ts';

/** How many ids a call that takes many reads at once: a millisecond or two of the event loop. */
const portion = 500;

/**
 * Reads many ids, a portion at a time, with a turn of the event loop in between: a long list neither holds up other work,
 * nor floods the remote tier and the queue of loads. Up to one portion is read in one turn, as one batch. Stops at the first
 * portion that is rejected.
 */
export async function inPortions<Id, T>(
  ids: readonly Id[],
  runtime: Runtime,
  read: (portion: readonly Id[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < ids.length; from += portion) {
    if (from > 0) await new Promise<void>((resolve) => runtime.defer(resolve));
    for (const each of await read(ids.slice(from, from + portion))) results.push(each);
  }
  return results;
}
