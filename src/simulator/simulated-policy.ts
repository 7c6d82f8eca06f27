import { BeladyPolicy, nextRequests } from '../policies/belady.ts';
import { makePolicy, policyNames, type PolicyName } from '../policies/policy-by-name.ts';
import type { Policy, PolicyOptions } from '../policies/policy.ts';
import type { Trace } from './trace.ts';
import { remove } from './trace-format.ts';

/** What a simulation can run: all that a cache can, and the optimum, which must know the future. */
export const simulatedPolicies: readonly SimulatedPolicy[] = [...policyNames, 'belady'];

export type SimulatedPolicy = PolicyName | 'belady';

/** Makes the policies for one trace. What the optimum needs of the trace is found once. */
export class PolicyMaker {
  readonly #trace: Trace;
  #future: Int32Array | undefined;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  make(name: SimulatedPolicy, options: PolicyOptions): Policy {
    if (name !== 'belady') return makePolicy(name, options);
    this.#future ??= nextRequests(insertions(this.#trace), this.#trace.hashes.length);
    return new BeladyPolicy({ ...options, nextRequests: this.#future });
  }
}

/** The requests after which a key is inside: all but removals. */
function insertions({ requests, operations }: Trace): Int32Array {
  return operations === undefined ? requests : requests.filter((_, at) => operations[at] !== remove);
}
