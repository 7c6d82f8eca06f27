import type { Operation } from '../../core/store.ts';

/** A write that was not confirmed, and after which the server may hold an old value. One per key and server: the newest. */
export interface LostWrite {
  /** As the server's store was asked for it; how it is named on the server is asked again for every repair. */
  readonly key: string;
  readonly routingKey: string | undefined;
  readonly copy: number | undefined;
  readonly kind: LostKind;
  /** `unknown`: it was sent, and may have been applied. */
  readonly applied: 'no' | 'unknown';
  /** When it was lost, in Unix milliseconds. */
  readonly since: number;
}

export type LostKind = 'delete' | 'touch' | 'set';

/**
 * What kind of invalidation an operation is; `undefined` for everything after whose failure the server holds nothing older than before, or
 * nothing that anybody relies on: reads, fills by CAS (a `delete` destroys their right), `add`, `count`, `release`, a `delete` by CAS (it
 * tidies up), and a `set` of a small record in copies (these are joined, and one that is missing is worse than an old one).
 */
export function invalidationKind(operation: Operation): LostKind | undefined {
  switch (operation.kind) {
    case 'delete':
      return operation.cas === undefined ? 'delete' : undefined;
    case 'touch':
      return 'touch';
    case 'set':
      return operation.cas === undefined && operation.copy === undefined && operation.mode !== 'add'
        ? 'set'
        : undefined;
    default:
      return undefined;
  }
}

/**
 * Whether the write may still be applied after a repair: it lies in the server's buffers, or on the way. A late `delete` does no harm, and
 * neither does a late `touch` of what is gone; a late value does.
 */
export function mayLand(lost: LostWrite): boolean {
  return lost.kind === 'set' && lost.applied === 'unknown';
}

/** What is estimated for a record in memory, beside its texts: object, entry of the map, headers of texts. */
const overhead = 240;

/** About how many bytes a record takes in memory. */
export function bytesOf({ key, routingKey }: LostWrite): number {
  return overhead + key.length + (routingKey?.length ?? 0);
}
