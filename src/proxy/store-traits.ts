import type { Store } from '../core/store.ts';

/** The stores at the ends of a composition. */
export function leavesOf(store: Store): readonly Store[] {
  const leaves = new Set<Store>();
  const seen = new Set<Store>();
  const visit = (each: Store): void => {
    if (seen.has(each)) return;
    seen.add(each);
    if (each.parts.length === 0) leaves.add(each);
    for (const part of each.parts) visit(part);
  };
  visit(store);
  return [...leaves];
}

/** The leaves that keep no more than the contract says: client flags from 0 to 511, and lives of at most 30 days. */
export function narrowLeaves(store: Store): readonly Store[] {
  return leavesOf(store).filter((leaf) => leaf.raw !== true);
}

/** Removes everything from all leaves; answers what could not be done, if so. */
export async function clearAll(store: Store): Promise<string | undefined> {
  const leaves = leavesOf(store);
  const unable = leaves.find((leaf) => leaf.clear === undefined);
  if (unable !== undefined) return `the store '${unable.name}' cannot be cleared`;
  const cleared = await Promise.all(leaves.map((leaf) => leaf.clear!()));
  const failed = leaves.find((_leaf, index) => !cleared[index]);
  return failed && `the store '${failed.name}' was not cleared`;
}
