import { parseArgs } from 'node:util';
import { BeladyPolicy, nextRequests } from '../src/policies/belady.ts';
import { makePolicy, policyNames } from '../src/policies/policy-by-name.ts';
import type { Policy, PolicyOptions } from '../src/policies/policy.ts';
import { ratioBounds } from './harness/ratio-bounds.ts';
import { breaches, meansAsText, type RatioPoint } from './harness/ratio-points.ts';
import { readReferenceRatios, type ReferenceRatios } from './harness/reference-ratios.ts';
import { textTable } from './harness/table.ts';
import { readTrace, type Trace, traceFolder, traceNames } from './harness/trace-file.ts';
import { replay } from './harness/trace-replay.ts';

/*
 * Hit ratios of the eviction policies on recorded traces, beside those that other simulators found there: every point, the
 * means, the bounds that are broken. The traces are not part of the repository. Ends with 1 if a bound is broken.
 */

const usage = 'node bench/hit-ratios.ts [--policies a,b] [--traces x,y] [--sizes m,n] [--seed N] [--brief]';
const shownBreaches = 20;
/** The policies that a cache can have, and the optimum, which needs to know the future. */
const names = [...policyNames, 'belady'] as const;
type Name = (typeof names)[number];

process.exitCode = main();

function main(): number {
  const { values: options } = parseArgs({
    options: {
      policies: { type: 'string' },
      traces: { type: 'string' },
      /** Only these sizes, where the reference has them. */
      sizes: { type: 'string' },
      seed: { type: 'string', default: '1' },
      /** No tables of the points. */
      brief: { type: 'boolean', default: false },
    },
  });
  const present = traceNames();
  const reference = readReferenceRatios();
  if (present.length === 0 || reference.size === 0) {
    console.error(`No traces, or no reference, in ${traceFolder}\n${usage}`);
    return 1;
  }
  const policies = chosen('policy', options.policies, names);
  const traces = chosen('trace', options.traces, present);
  const sizes = options.sizes?.split(',').map(Number);
  const complete = options.sizes === undefined && traces.length === present.length;

  const summary: string[][] = [];
  let broken = 0;
  let points: RatioPoint[] = [];
  for (const policy of policies) {
    const began = process.cpuUsage();
    points = traces.flatMap((trace) => pointsOf(policy, trace, reference, sizes, Number(options.seed)));
    const { user, system } = process.cpuUsage(began);
    const requests = points.reduce((sum, point) => sum + point.requests, 0);
    const peer = ratioBounds[policy]?.[0]?.peer;
    if (!options.brief) console.log(`\n${policy}\n\n${pointTable(points, peer)}\n`);
    const found = breaches(policy, points, complete);
    for (const text of found.slice(0, shownBreaches)) console.log(`BROKEN  ${policy}, ${text}`);
    if (found.length > shownBreaches) console.log(`... and ${found.length - shownBreaches} more`);
    broken += found.length;
    summary.push([
      policy,
      ...meansAsText(points, (point) => point.ratio),
      peer === undefined ? '' : worstDifference(points, peer),
      (((user + system) * 1000) / requests).toFixed(0),
      String(found.length),
    ]);
  }
  for (const peer of new Set(points.flatMap((point) => [...point.peers.keys()])))
    summary.push([`(${peer})`, ...meansAsText(points, (point) => point.peers.get(peer))]);
  console.log(
    `\n${textTable(['policy', 'mean', 'web mean', 'worst difference', 'CPU ns/request', 'broken'], summary)}`,
  );
  return broken > 0 ? 1 : 0;
}

function pointsOf(
  policy: Name,
  traceName: string,
  reference: ReferenceRatios,
  sizes: readonly number[] | undefined,
  seed: number,
): RatioPoint[] {
  const trace = readTrace(traceName);
  const requests = trace.requests.length;
  const make = maker(policy, trace);
  return [...(reference.get(traceName) ?? [])]
    .filter(([size]) => sizes?.includes(size) ?? true)
    .map(([size, peers]) => {
      const hits = replay(trace, size, seed, make);
      return { trace: traceName, size, requests, ratio: hits / requests, peers };
    });
}

/** Makes a policy; what the optimum must know of the trace is found once for all sizes. */
function maker(policy: Name, trace: Trace): (options: PolicyOptions) => Policy {
  if (policy !== 'belady') return (options) => makePolicy(policy, options);
  const next = nextRequests(trace.requests, trace.keys);
  return (options) => new BeladyPolicy({ ...options, nextRequests: next });
}

function pointTable(points: readonly RatioPoint[], peer: string | undefined): string {
  const rows = points.map(({ trace, size, ratio, peers }) => {
    const other = peer === undefined ? undefined : peers.get(peer);
    const compared = other === undefined ? [] : [other.toFixed(6), (ratio - other).toFixed(6)];
    return [trace, String(size), ratio.toFixed(6), ...compared];
  });
  return textTable(['trace', 'size', 'ratio', ...(peer === undefined ? [] : [peer, 'difference'])], rows);
}

function worstDifference(points: readonly RatioPoint[], peer: string): string {
  let worst = 0;
  let where = '';
  for (const { trace, size, ratio, peers } of points) {
    const difference = ratio - (peers.get(peer) ?? NaN);
    if (Math.abs(difference) > Math.abs(worst)) {
      worst = difference;
      where = ` ${trace} ${size}`;
    }
  }
  return `${worst.toFixed(6)}${where}`;
}

/** What was asked for of what there is; all of it if nothing was asked for. */
function chosen<Name extends string>(
  kind: string,
  asked: string | undefined,
  all: readonly Name[],
): readonly Name[] {
  if (asked === undefined) return all;
  return asked.split(',').map((name) => {
    const known = all.find((each) => each === name);
    if (known === undefined)
      throw new RangeError(`There is no ${kind} "${name}". There is: ${all.join(', ')}`);
    return known;
  });
}
