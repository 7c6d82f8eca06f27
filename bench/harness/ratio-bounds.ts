import { meanOf, type RatioPoint, traceMeans } from './ratio-points.ts';

/** What the hit ratios of a policy must keep to, beside those that another simulator found. */
export interface RatioBound {
  /** The peer in the reference that ours is compared with. */
  readonly peer: string;
  /** Ours is at most this much below the peer's. */
  readonly below: number;
  /** Ours is at most this much above the peer's. Default: as much as it likes. */
  readonly above?: number;
  /** Holds for each point, or for the mean of each trace over its sizes. Default: each point. */
  readonly means?: boolean;
  /** Holds from this size on. Default: all. */
  readonly fromSize?: number;
  /** Holds for traces of so many requests and more. Default: all. */
  readonly fromRequests?: number;
  /** Holds for this trace alone. Default: all. */
  readonly trace?: string;
}

/** The same algorithm: the same to the six digits of the reference. */
function same(peer: string): readonly RatioBound[] {
  return [{ peer, below: 0.000_000_6, above: 0.000_000_6 }];
}

/** The same algorithm, but for the hand, whose way is bounded here. */
function sameButForHand(peer: string): readonly RatioBound[] {
  return [{ peer, below: 0.000_01, above: 0.000_01 }];
}

/** By the name of the policy. The first peer is the one that is shown beside it. */
export const ratioBounds: Readonly<Record<string, readonly RatioBound[]>> = {
  lru: same('LRU'),
  fifo: same('FIFO'),
  belady: same('Belady'),
  lfu: same('LFU'),
  arc: same('ARC'),
  clock: sameButForHand('CLOCK'),
  's3-fifo': sameButForHand('S3FIFO'),
  sieve: sameButForHand('SIEVE'),
  'w-tinylfu': [
    { peer: 'Caffeine-HEAD', below: 0.03, fromSize: 100, fromRequests: 50_000 },
    { peer: 'LRU', below: 0.06, fromSize: 100, fromRequests: 50_000 },
    { peer: 'Caffeine-HEAD', below: 0.005, means: true, trace: 'chain-corda-loop5-corda' },
  ],
};

/** A policy whose mean over all traces is to be at least this, and over web traces above all published ones. */
const best = { policy: 'w-tinylfu', mean: 0.427 };

/** The traces of web and key-value caches: their mean is shown apart. */
export const webTraces: readonly string[] = [
  'adaptsize-request',
  'cache2k-orm-busy',
  'cache2k-web12',
  'corda-vaultservice',
  'mooncake-synthetic',
  'scarab-recs',
];

/** One line for each bound that is broken, the worst first. `complete`: the points are those of all traces. */
export function breaches(policy: string, points: readonly RatioPoint[], complete: boolean): string[] {
  const found: { readonly by: number; readonly text: string }[] = [];
  let compared = 0;
  const compare = (bound: RatioBound, where: string, ratio: number, peer: number): void => {
    const by = Math.max(peer - ratio - bound.below, ratio - peer - (bound.above ?? Infinity));
    if (!Number.isNaN(peer)) compared++;
    if (by > 0)
      found.push({ by, text: `${where}: ${ratio.toFixed(6)} against ${peer.toFixed(6)} of ${bound.peer}` });
  };
  for (const bound of ratioBounds[policy] ?? []) {
    compared = 0;
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
    if (compared === 0 && bounded.length > 0)
      found.push({ by: 1, text: `${bound.peer} is not in the reference` });
  }
  if (complete && policy === best.policy)
    found.push(...meanBreaches(points).map((text) => ({ by: 1, text })));
  return found.toSorted((a, b) => b.by - a.by).map(({ text }) => text);
}

function meanBreaches(points: readonly RatioPoint[]): string[] {
  const found: string[] = [];
  const means = traceMeans(points, (point) => point.ratio);
  const mean = meanOf(means, [...means.keys()]) ?? 0;
  if (mean < best.mean) found.push(`mean of all traces: ${mean.toFixed(4)} instead of ${best.mean}`);
  const webMean = meanOf(means, webTraces) ?? 0;
  for (const peer of points[0]?.peers.keys() ?? []) {
    const peerMean = meanOf(
      traceMeans(points, (point) => point.peers.get(peer)),
      webTraces,
    );
    if (peer !== 'Belady' && peerMean !== undefined && peerMean > webMean)
      found.push(`mean of web traces: ${webMean.toFixed(4)} against ${peerMean.toFixed(4)} of ${peer}`);
  }
  return found;
}
