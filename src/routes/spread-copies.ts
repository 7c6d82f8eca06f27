import type { Operation } from '../core/store.ts';

/** One copy of a record: in one of several parts, and which copy it is there. */
export interface CopyPlace {
  readonly part: number;
  readonly operation: Operation;
}

/**
 * Where an operation on a copy goes that several parts could take: each copy lies in one part, the first in the first, the next in
 * the next, and so on, the same for all processes. So the copies outlive any one part; who keeps them brings them together. `undefined` for all other
 * operations.
 */
export function placeOfCopy(operation: Operation, parts: number): CopyPlace | undefined {
  const { copy } = operation;
  if (copy === undefined) return undefined;
  return { part: copy % parts, operation: { ...operation, copy: Math.floor(copy / parts) } };
}
