import type { DeleteOperation, Operation } from '../core/store.ts';

/**
 * The delete that removes what another part may keep of the entry that this operation changes: a copy that would be older.
 * Removing is always safe, and commutes with itself.
 */
export function cleaning({ key, routingKey, deadline }: Operation): DeleteOperation {
  return { kind: 'delete', key, deadline, ...(routingKey === undefined ? undefined : { routingKey }) };
}

/** What this delete is to the other parts: without the CAS, which only one of them knows. */
export function unconditional(operation: DeleteOperation): DeleteOperation {
  if (operation.cas === undefined) return operation;
  const { cas: _, ...rest } = operation;
  return rest;
}
