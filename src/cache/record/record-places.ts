import type { Operation, Store } from '../../core/store.ts';

/** Copies that are kept where there are several servers. */
export const mostCopies = 3;

/** Routes that are nested deeper than this are not looked through. */
const deepest = 32;

/**
 * Which copies of a small record a store keeps on different servers: numbers for `operation.copy`. One server has one copy; so
 * has a store that does not say that it has several. At least one, and never more than three.
 */
export function copiesIn(store: Store, operation: Omit<Operation, 'copy'>): readonly number[] {
  const copies: number[] = [];
  const places: (readonly Store[])[] = [];
  for (let copy = 0; copy < mostCopies; copy++) {
    const found = leavesOf(store, { ...operation, copy } as Operation);
    // Several servers, and it does not say which of them: asking one of them twice costs little and harms nothing.
    if (found === undefined) return [0, 1, 2];
    if (found.length === 0 || places.some((each) => sameStores(each, found))) continue;
    copies.push(copy);
    places.push(found);
  }
  return copies.length === 0 ? [0] : copies;
}

/** The stores without parts that an operation would be sent to first; `undefined` if a store of several parts does not tell. */
function leavesOf(store: Store, operation: Operation): readonly Store[] | undefined {
  const leaves = new Set<Store>();
  const walk = (at: Store, asked: Operation, depth: number): boolean => {
    if (depth > deepest) return false;
    const destinations = at.destinations?.(asked);
    if (destinations !== undefined)
      return destinations
        .filter(({ role }) => role === 'first' || role === 'also')
        .every((each) => walk(each.store, each.operation, depth + 1));
    // A leaf; what a user's store says of its parts need not be true.
    const parts = at.parts ?? [];
    if (parts.length === 0) leaves.add(at);
    return parts.length < 2 && parts.every((part) => walk(part, asked, depth + 1));
  };
  try {
    return walk(store, operation, 0) ? [...leaves] : undefined;
  } catch {
    return undefined;
  }
}

function sameStores(one: readonly Store[], other: readonly Store[]): boolean {
  return one.length === other.length && one.every((store) => other.includes(store));
}
