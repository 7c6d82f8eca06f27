import { BeladyPolicy, never, nextRequests } from '../policies/belady.ts';
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
    this.#future ??= futureOf(this.#trace);
    return new BeladyPolicy({ ...options, nextRequests: this.#future });
  }
}

/** When the key of each request that is no removal is asked for next, by number among those; `never` if it is removed before. */
function futureOf({ requests, operations, hashes }: Trace): Int32Array {
  if (operations === undefined) return nextRequests(requests, hashes.length);
  const coming = new Int32Array(hashes.length).fill(never);
  const next: number[] = [];
  let number = operations.reduce((sum, operation) => sum + (operation === remove ? 0 : 1), 0);
  for (let at = requests.length - 1; at >= 0; at--) {
    const key = requests[at]!;
    if (operations[at] === remove) {
      // It is of no use to keep what will be taken out.
      coming[key] = never;
    } else {
      next.push(coming[key]!);
      coming[key] = --number;
    }
  }
  return Int32Array.from(next.reverse());
}
