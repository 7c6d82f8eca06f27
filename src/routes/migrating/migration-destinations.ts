import type { Destination, Operation, Role, Store } from '../../core/store.ts';
import { casOfPart, partOfCas } from '../cas-brand.ts';
import { addressOf, isRecord } from './entry-address.ts';
import { newPool, oldPool, otherThan, type Pool } from './pool-pair.ts';
import type { TimeTable } from './time-table.ts';

/** Where a migration would send an operation at a time, without sending anything. */
export function destinationsOf(
  operation: Operation,
  table: TimeTable,
  time: number,
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
    // Both copies of a record count, so that whoever asks where it is kept hears of all servers.
    if (record) return [to(newPool, 'first', operation), to(oldPool, 'also', operation)];
    const asked = to(reads, 'first', operation);
    return table.mirrors(time) ? [asked, to(other, 'share', operation)] : [asked];
  }
  const { cas, ...unconditional } = operation as Operation & { readonly cas?: string };
  const given = cas === undefined ? reads : partOfCas(cas);
  if (given !== oldPool && given !== newPool) return [];
  const own = cas === undefined ? operation : ({ ...operation, cas: casOfPart(cas) } as Operation);
  if (operation.kind === 'release') return [to(given, 'first', own)];
  if (!both) return given === reads ? [to(reads, 'first', own)] : [];
  const deletion = { ...addressOf(operation), kind: 'delete', deadline: operation.deadline } as const;
  if (record && operation.kind === 'set')
    return [to(given, 'first', own), to(otherThan(given), 'also', deletion)];
  // By the right that was taken there, where one was: that cannot be told before.
  if (given !== reads) return [to(reads, 'share', unconditional as Operation)];
  const copied = operation.kind === 'delete' || operation.kind === 'touch';
  return [to(reads, 'first', own), to(other, 'also', copied ? (unconditional as Operation) : deletion)];
}
