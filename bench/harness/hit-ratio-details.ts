/** Means over all traces, and over those of web and key-value caches. */
export interface Means {
  readonly mean: number;
  readonly web: number;
}

/** What `hit-ratios` adds to the file of its result. */
export interface HitRatioDetails {
  readonly traces: number;
  /** By the name of the policy. */
  readonly ours: Readonly<Record<string, Means>>;
  /** What other simulators found, by the name that the reference has. */
  readonly published: Readonly<Record<string, Means>>;
}
