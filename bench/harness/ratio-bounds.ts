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

/** The same algorithm with nothing left open: the same to the six digits of the reference. */
function exactly(peer: string): readonly RatioBound[] {
  return [{ peer, below: 0.000_000_6, above: 0.000_000_6 }];
}

/** The same algorithm, but for rounding at the smallest sizes. */
function nearly(peer: string): readonly RatioBound[] {
  return [{ peer, below: 0.002, above: 0.002, fromSize: 100 }];
}

/** By the name of the policy. The first peer is the one that is shown beside it. */
export const ratioBounds: Readonly<Record<string, readonly RatioBound[]>> = {
  lru: exactly('LRU'),
  fifo: exactly('FIFO'),
  belady: exactly('Belady'),
  clock: nearly('CLOCK'),
  lfu: nearly('LFU'),
  arc: nearly('ARC'),
  's3-fifo': nearly('S3FIFO'),
  sieve: nearly('SIEVE'),
  'w-tinylfu': [
    { peer: 'Caffeine-HEAD', below: 0.03, fromSize: 100, fromRequests: 50_000 },
    { peer: 'LRU', below: 0.06, fromSize: 100, fromRequests: 50_000 },
    { peer: 'Caffeine-HEAD', below: 0.005, means: true, trace: 'chain-corda-loop5-corda' },
  ],
};

/** The mean over all traces that a policy must reach. */
export const meanBounds: Readonly<Record<string, number>> = { 'w-tinylfu': 0.427 };

/** The traces of web and key-value caches: their mean is shown apart. */
export const webTraces: readonly string[] = [
  'adaptsize-request',
  'cache2k-orm-busy',
  'cache2k-web12',
  'corda-vaultservice',
  'mooncake-synthetic',
  'scarab-recs',
];
