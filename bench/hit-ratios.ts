import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { breaches, ratioBounds, webTraces } from './harness/ratio-bounds.ts';
import { meanOf, measurePoints, type RatioPoint, replayable, traceMeans } from './harness/ratio-points.ts';
import { readReferenceRatios } from './harness/reference-ratios.ts';
import type { HitRatioDetails, Means } from './harness/hit-ratio-details.ts';
import { root, writeResult } from './harness/result.ts';
import { textTable } from './harness/table.ts';
import { traceFolder, traceNames } from './harness/trace-file.ts';

/*
 * Hit ratios of the eviction policies on recorded traces, beside those that other simulators found there: every point, the
 * means, the bounds that are broken. The traces are not part of the repository. Ends with 1 if a bound is broken.
 */

const usage = 'node bench/hit-ratios.ts [--policies a,b] [--traces x,y] [--sizes m,n] [--seed N] [--brief]';
const shownBreaches = 20;

/** Other simulators' results that the README shows beside ours. */
const shownPeers = ['Caffeine-HEAD', 'LIRS'];

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
  const policies = chosen('policy', options.policies, replayable);
  const traces = chosen('trace', options.traces, present);
  const sizes = options.sizes?.split(',').map(Number);
  const complete = options.sizes === undefined && traces.length === present.length;

  const ours: Record<string, Means> = {};
  const published: Record<string, Means> = {};
  const summary: string[][] = [];
  let broken = 0;
  let points: RatioPoint[] = [];
  for (const policy of policies) {
    const began = process.cpuUsage();
    points = traces.flatMap((trace) =>
      measurePoints(policy, trace, reference, { sizes, seed: Number(options.seed) }),
    );
    const { user, system } = process.cpuUsage(began);
    const requests = points.reduce((sum, point) => sum + point.requests, 0);
    const peer = ratioBounds[policy]?.[0]?.peer;
    if (!options.brief) console.log(`\n${policy}\n\n${pointTable(points, peer)}\n`);
    const means = meansOf(points, (point) => point.ratio);
    if (means.mean !== undefined && means.web !== undefined) ours[policy] = means as Means;
    const found = breaches(policy, points, complete);
    for (const text of found.slice(0, shownBreaches)) console.log(`BROKEN  ${policy}, ${text}`);
    if (found.length > shownBreaches) console.log(`... and ${found.length - shownBreaches} more`);
    broken += found.length;
    summary.push([
      policy,
      ...meansAsText(means),
      peer === undefined ? '' : worstDifference(points, peer),
      (((user + system) * 1000) / requests).toFixed(0),
      String(found.length),
    ]);
  }
  for (const peer of new Set(points.flatMap((point) => [...point.peers.keys()]))) {
    const means = meansOf(points, (point) => point.peers.get(peer));
    summary.push([`(${peer})`, ...meansAsText(means)]);
    if (shownPeers.includes(peer) && means.mean !== undefined && means.web !== undefined)
      published[peer] = means as Means;
  }
  console.log(
    `\n${textTable(['policy', 'mean', 'web mean', 'worst difference', 'CPU ns/request', 'broken'], summary)}`,
  );
  if (complete && options.policies === undefined) save(ours, published, traces.length);
  return broken > 0 ? 1 : 0;
}

function pointTable(points: readonly RatioPoint[], peer: string | undefined): string {
  const rows = points.map(({ trace, size, ratio, peers }) => {
    const other = peer === undefined ? undefined : peers.get(peer);
    const compared = other === undefined ? [] : [other.toFixed(6), (ratio - other).toFixed(6)];
    return [trace, String(size), ratio.toFixed(6), ...compared];
  });
  return textTable(['trace', 'size', 'ratio', ...(peer === undefined ? [] : [peer, 'difference'])], rows);
}

/** The means over all traces and over those of web and key-value caches. */
function meansOf(
  points: readonly RatioPoint[],
  ratioOf: (point: RatioPoint) => number | undefined,
): Partial<Means> {
  const means = traceMeans(points, ratioOf);
  const all = [...new Set(points.map((point) => point.trace))];
  const [mean, web] = [all, all.filter((trace) => webTraces.includes(trace))].map((traces) =>
    meanOf(means, traces),
  );
  return { ...(mean !== undefined && { mean }), ...(web !== undefined && { web }) };
}

function meansAsText({ mean, web }: Partial<Means>): [string, string] {
  return [mean?.toFixed(4) ?? '', web?.toFixed(4) ?? ''];
}

/** The file of a whole run, from which the README's table is made. */
function save(ours: Record<string, Means>, published: Record<string, Means>, traces: number): void {
  const details: HitRatioDetails = { traces, ours, published };
  const path = writeResult({
    bench: 'hit-ratios',
    unit: 'mean hit ratio over the traces, each the mean over its sizes',
    rounds: 1,
    quick: false,
    skipped: [],
    versions: {},
    results: Object.entries(ours).map(([name, { mean }]) => ({ name, median: mean, min: mean, max: mean })),
    table: '',
    details,
  });
  console.log(`Written to ${relative(root, path)}`);
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
