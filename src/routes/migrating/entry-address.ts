import type { Operation } from '../../core/store.ts';

/** What names an entry in any pool. */
export type EntryAddress = Pick<Operation, 'key' | 'routingKey' | 'copy'>;

export function addressOf(operation: EntryAddress): EntryAddress {
  const { key, routingKey, copy } = operation;
  return {
    key,
    ...(routingKey === undefined ? undefined : { routingKey }),
    ...(copy === undefined ? undefined : { copy }),
  };
}

/** One text for each entry: keys have no spaces. */
export function nameOf({ key, copy }: EntryAddress): string {
  return copy === undefined ? key : `${key} ${copy}`;
}

/** With half of the time: the other half is for what follows. `clock` is the monotonic one. */
export function sooner<O extends Operation>(operation: O, clock: number): O {
  const left = operation.deadline - clock;
  const timed = left > 0 && left < Number.POSITIVE_INFINITY;
  return timed ? { ...operation, deadline: clock + left / 2 } : operation;
}

/**
 * Whether this is about a record: a small entry that is kept in copies, because it has no source to be loaded from, such as the server
 * record with the generations of all caches. Processes on both sides of a switch must see it alike. Nobody asks for a right to load it.
 */
export function isRecord(operation: Operation): boolean {
  if (operation.copy === undefined) return false;
  return operation.kind !== 'get' || (operation.lease === undefined && operation.recache === undefined);
}
