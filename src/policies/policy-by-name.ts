import { LruPolicy } from './lru.ts';
import type { Policy, PolicyOptions } from './policy.ts';

/** The policies that a cache can be given. */
export const policyNames = ['lru'] as const;

export type PolicyName = (typeof policyNames)[number];

const makers: Readonly<Record<PolicyName, new (options: PolicyOptions) => Policy>> = {
  lru: LruPolicy,
};

export function makePolicy(name: PolicyName, options: PolicyOptions): Policy {
  return new makers[name](options);
}
