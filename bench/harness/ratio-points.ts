import { BeladyPolicy, nextRequests } from '../../src/policies/belady.ts';
import { makePolicy, policyNames } from '../../src/policies/policy-by-name.ts';
import type { Policy, PolicyOptions } from '../../src/policies/policy.ts';
import type { ReferenceRatios } from './reference-ratios.ts';
import { readTrace, type Trace } from './trace-file.ts';
import { replay } from './trace-replay.ts';

/** What can be replayed: the policies that a cache can have, and the optimum, which has to know the future. */
export const replayable = [...policyNames, 'belady'] as const;
export type Replayable = (typeof replayable)[number];

/** The hit ratio of one policy on one trace at one size, and those of its peers there. */
export interface RatioPoint {
  readonly trace: string;
  readonly size: number;
  readonly requests: number;
  readonly ratio: number;
  readonly peers: ReadonlyMap<string, number>;
}

/** Replays a trace at each size that the reference has for it, or at those of them that are named. */
export function measurePoints(
  policy: Replayable,
  traceName: string,
  reference: ReferenceRatios,
  options: { readonly sizes?: readonly number[] | undefined; readonly seed?: number } = {},
): RatioPoint[] {
  const trace = readTrace(traceName);
  const requests = trace.requests.length;
  const make = maker(policy, trace);
  return [...(reference.get(traceName) ?? [])]
    .filter(([size]) => options.sizes?.includes(size) ?? true)
    .map(([size, peers]) => {
      const hits = replay(trace, size, options.seed ?? 1, make);
      return { trace: traceName, size, requests, ratio: hits / requests, peers };
    });
}

/** Makes a policy; what the optimum has to know of the trace is found once for all sizes. */
function maker(policy: Replayable, trace: Trace): (options: PolicyOptions) => Policy {
  if (policy !== 'belady') return (options) => makePolicy(policy, options);
  const next = nextRequests(trace.requests, trace.keys);
  return (options) => new BeladyPolicy({ ...options, nextRequests: next });
}

/** The mean over each trace's sizes: how much a trace says does not depend on how many sizes it was run at. */
export function traceMeans(
  points: readonly RatioPoint[],
  ratioOf: (point: RatioPoint) => number | undefined,
): ReadonlyMap<string, number> {
  const means = new Map<string, number>();
  for (const [trace, own] of Map.groupBy(points, (point) => point.trace)) {
    const ratios = own.map(ratioOf).filter((ratio) => ratio !== undefined);
    if (ratios.length === own.length)
      means.set(trace, ratios.reduce((sum, ratio) => sum + ratio, 0) / own.length);
  }
  return means;
}

/** The mean of the traces' means, undefined if one of them is missing. */
export function meanOf(means: ReadonlyMap<string, number>, traces: readonly string[]): number | undefined {
  let sum = 0;
  for (const trace of traces) sum += means.get(trace) ?? NaN;
  return Number.isNaN(sum) || traces.length === 0 ? undefined : sum / traces.length;
}
