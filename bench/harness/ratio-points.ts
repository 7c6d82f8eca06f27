import { meanBounds, type RatioBound, ratioBounds, webTraces } from './ratio-bounds.ts';

/** The hit ratio of one policy on one trace at one size, and those of its peers there. */
export interface RatioPoint {
  readonly trace: string;
  readonly size: number;
  readonly requests: number;
  readonly ratio: number;
  readonly peers: ReadonlyMap<string, number>;
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

/** One line for each bound that is broken, the worst first. `complete`: the points are those of all traces. */
export function breaches(policy: string, points: readonly RatioPoint[], complete: boolean): string[] {
  const found: { readonly by: number; readonly text: string }[] = [];
  const compare = (bound: RatioBound, where: string, ratio: number, peer: number): void => {
    const by = Math.max(peer - ratio - bound.below, ratio - peer - (bound.above ?? Infinity));
    if (by > 0)
      found.push({ by, text: `${where}: ${ratio.toFixed(6)} against ${peer.toFixed(6)} of ${bound.peer}` });
  };
  for (const bound of ratioBounds[policy] ?? []) {
    const bounded = points.filter(
      (point) =>
        point.size >= (bound.fromSize ?? 0) &&
        point.requests >= (bound.fromRequests ?? 0) &&
        (bound.trace ?? point.trace) === point.trace,
    );
    const peerOf = (point: RatioPoint): number | undefined => point.peers.get(bound.peer);
    if (bound.means === true) {
      const peerMeans = traceMeans(bounded, peerOf);
      for (const [trace, mean] of traceMeans(bounded, (point) => point.ratio))
        compare(bound, trace, mean, peerMeans.get(trace) ?? NaN);
    } else {
      for (const point of bounded)
        compare(bound, `${point.trace} at ${point.size}`, point.ratio, peerOf(point) ?? NaN);
    }
  }
  const least = meanBounds[policy];
  const means = traceMeans(points, (point) => point.ratio);
  const mean = meanOf(means, [...means.keys()]);
  if (complete && least !== undefined && mean !== undefined && mean < least)
    found.push({ by: 1, text: `mean of all traces: ${mean.toFixed(4)} instead of ${least}` });
  return found.toSorted((a, b) => b.by - a.by).map(({ text }) => text);
}

/** The means over all traces and over those of web and key-value caches, as text. */
export function meansAsText(
  points: readonly RatioPoint[],
  ratioOf: (point: RatioPoint) => number | undefined,
): [string, string] {
  const means = traceMeans(points, ratioOf);
  const all = [...new Set(points.map((point) => point.trace))];
  const web = all.filter((trace) => webTraces.includes(trace));
  return [meanOf(means, all)?.toFixed(4) ?? '', meanOf(means, web)?.toFixed(4) ?? ''];
}
