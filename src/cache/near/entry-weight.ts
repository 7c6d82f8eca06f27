import type { KeyPart } from '../../core/key.ts';
import { bigintBytes, numberBytes, stringBytes } from '../seal/heap-size.ts';

/**
 * Heap bytes of an entry besides its key and value, on Node 24: the object with its 17 fields (160), its share of a `Map`
 * (about 40), of the slot table (8 to 12) and of the policy (9). `entry-weight.test.ts` measures it.
 */
export const entryOverhead = 224;

/** What the tier counts for an entry whose value takes `valueBytes`. */
export function entryWeight(key: KeyPart, valueBytes: number): number {
  return entryOverhead + keyBytes(key) + valueBytes;
}

function keyBytes(key: KeyPart): number {
  if (typeof key === 'string') return stringBytes(key);
  if (typeof key === 'number') return numberBytes(key);
  return typeof key === 'bigint' ? bigintBytes(key) : 0;
}
