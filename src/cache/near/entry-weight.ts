import type { KeyPart } from '../../core/key.ts';
import type { PolicyName } from '../../policies/policy-by-name.ts';
import { bigintBytes, numberBytes, stringBytes, textBytes } from '../seal/heap-size.ts';

/** How the near tier finds its entries: an index of our own, or one over `Map`s. */
export type IndexName = 'hash' | 'map';

/** Bytes of an entry in the slab, with the column that a remote tier adds. `entry-weight.test.ts` measures these. */
const slabBytes = 36;

/** Bytes of an entry in an index: in a full tier, where `Map`s have holes of entries that are gone. */
const indexBytes: Readonly<Record<IndexName, number>> = { hash: 6, map: 72 };

/** Bytes of an entry in a policy, with those that it remembers after they have left. */
const policyBytes: Readonly<Record<PolicyName, number>> = {
  'w-tinylfu': 14,
  lru: 8,
  fifo: 8,
  clock: 9,
  lfu: 13,
  random: 8,
  's3-fifo': 24,
  sieve: 9,
  arc: 29,
};

/** What the wider table with chains that goes with the default policy takes more. */
const widerTableBytes = 5;

/** What the tier counts for an entry whose value takes so many bytes. */
export type EntryWeight = (key: KeyPart, valueBytes: number) => number;

/** Heap bytes of an entry besides its key and value, as Node 24 has them. */
export function entryOverhead(policy: PolicyName, index: IndexName): number {
  const wider = policy === 'w-tinylfu' && index === 'hash' ? widerTableBytes : 0;
  return slabBytes + indexBytes[index] + policyBytes[policy] + wider;
}

export function entryWeight(policy: PolicyName, index: IndexName): EntryWeight {
  const overhead = entryOverhead(policy, index);
  return (key, valueBytes) => overhead + keyBytes(key) + valueBytes;
}

/** Of a key of so many characters only some are looked at: looking at all of them would be a sixth of what it costs to keep an entry, and be it wrong, then by as many bytes. */
const shortKey = 32;

function stringKeyBytes(key: string): number {
  const { length } = key;
  if (length < 2 || length > shortKey) return stringBytes(key);
  const some =
    key.charCodeAt(0) |
    key.charCodeAt(length >> 2) |
    key.charCodeAt(length >> 1) |
    key.charCodeAt(length - 1);
  return textBytes(length, some <= 0xff);
}

function keyBytes(key: KeyPart): number {
  if (typeof key === 'string') return stringKeyBytes(key);
  if (typeof key === 'number') return numberBytes(key);
  return typeof key === 'bigint' ? bigintBytes(key) : 0;
}
