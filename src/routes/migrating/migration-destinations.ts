import type { Destination, Operation, Role, Store } from '../../core/store.ts';
import { casOfPart, partOfCas } from '../cas-brand.ts';
import { addressOf, isRecord, sooner } from './entry-address.ts';
import { newPool, oldPool, otherThan, type Pool } from './pool-pair.ts';
import type { TimeTable } from './time-table.ts';

/** Where a migration would send an operation at a time, without sending anything. `clock` is the monotonic one, of the same moment. */
export function destinationsOf(
  operation: Operation,
  table: TimeTable,
  time: number,
  clock: number,
  stores: readonly [Store, Store],
): readonly Destination[] {
  const to = (pool: Pool, role: Role, sent: Operation): Destination => ({
    store: stores[pool],
    role,
    operation: sent,
  });
  const both = table.both(time);
  const record = both && isRecord(operation);
  const reads = table.poolOf(time, operation.key);
  const other = otherThan(reads);
  if (operation.kind === 'get') {
    if (record) return [to(newPool, 'first', operation), to(oldPool, 'also', operation)];
    const asked = to(reads, 'first', operation);
    return table.mirrors(time) ? [asked, to(other, 'share', operation)] : [asked];
  }
  const { cas, ...unconditional } = operation as Operation & { readonly cas?: string };
  const deletion = { ...addressOf(operation), kind: 'delete', deadline: operation.deadline } as const;
  if (typeof cas === 'string') {
    const given = partOfCas(cas);
    if (given !== oldPool && given !== newPool) return [];
    const own = { ...operation, cas: casOfPart(cas) } as Operation;
    if (record && operation.kind === 'set')
      return given === oldPool
        ? [to(oldPool, 'first', own), to(newPool, 'share', deletion)]
        : [to(oldPool, 'first', deletion), to(newPool, 'share', own)];
    // Of the other pool's right, if one was taken together with it, nothing can be told before.
    if (operation.kind === 'release')
      return [to(given, 'first', own), to(otherThan(given), 'share', deletion)];
    const late = given !== reads;
    return [to(given, late ? 'share' : 'first', own), to(otherThan(given), 'share', deletion)];
  }
  if (!both) return [to(reads, 'first', operation)];
  if (record && operation.kind === 'set' && time >= table.readToFrom)
    return [to(oldPool, 'first', deletion), to(newPool, 'share', operation)];
  if (operation.kind === 'delete' && (reads === oldPool || record))
    return [to(oldPool, 'first', sooner(operation, clock)), to(newPool, 'also', operation)];
  if (operation.kind === 'delete' || operation.kind === 'touch')
    return [to(reads, 'first', operation), to(other, 'also', unconditional as Operation)];
  // If it changes anything.
  return [to(reads, 'first', operation), to(other, 'share', deletion)];
}
