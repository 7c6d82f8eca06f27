import { ArcPolicy } from './arc.ts';
import { ClockPolicy } from './clock.ts';
import { FifoPolicy } from './fifo.ts';
import { LfuPolicy } from './lfu.ts';
import { LruPolicy } from './lru.ts';
import type { Policy, PolicyOptions } from './policy.ts';
import { RandomPolicy } from './random.ts';
import { S3FifoPolicy } from './s3-fifo.ts';
import { SievePolicy } from './sieve.ts';
import { WTinyLfuPolicy } from './w-tinylfu.ts';

/** The policies that a cache can be given. */
export const policyNames = [
  'w-tinylfu',
  'lru',
  'fifo',
  'clock',
  'lfu',
  'random',
  's3-fifo',
  'sieve',
  'arc',
] as const;

export type PolicyName = (typeof policyNames)[number];

const makers: Readonly<Record<PolicyName, new (options: PolicyOptions) => Policy>> = {
  'w-tinylfu': WTinyLfuPolicy,
  lru: LruPolicy,
  fifo: FifoPolicy,
  clock: ClockPolicy,
  lfu: LfuPolicy,
  random: RandomPolicy,
  's3-fifo': S3FifoPolicy,
  sieve: SievePolicy,
  arc: ArcPolicy,
};

export function makePolicy(name: PolicyName, options: PolicyOptions): Policy {
  return new makers[name](options);
}
