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

/**
 * Whether this is a record: an entry that has no source to be loaded from, such as the server record with the generations of all caches, and
 * that processes on both sides of a switch must see alike. They are kept in copies, or have a name of Cistern's
 * own, which begins with `~`.
 */
export function isRecord(operation: EntryAddress): boolean {
  return operation.copy !== undefined || ownName.test(operation.key);
}

const ownName = /:~[a-z]+$/;
