/**
 * A trace as the simulations need it: keys are numbers from 0, requests stand one after the other. Where a trace was too long for the
 * memory that it may take, it holds the requests of a part of the keys, chosen by their hash.
 */
export interface Trace {
  readonly name: string;
  /** The key of each request. */
  readonly requests: Int32Array;
  /** `read`, `write` or `remove` for each request; missing where all are reads. */
  readonly operations: Uint8Array | undefined;
  /** Milliseconds since the first request, for each; missing where the trace has none, or nobody asked for them. */
  readonly times: Float64Array | undefined;
  /** 32 bits for each key, signed: what policies get. */
  readonly hashes: Int32Array;
  /** 32 other bits for each key: those under `rate * 2^32` are in the trace. */
  readonly sampleHashes: Int32Array;
  /** The largest size in bytes that the trace tells of each key; missing where it tells none. A key without one gets the mean. */
  readonly sizes: Int32Array | undefined;
  /** How often each key is read. */
  readonly readsOf: Int32Array;
  /** The share of all keys that is in the trace: 1 unless it is a sample. */
  readonly rate: number;
  readonly total: TraceTotals;
}

/** Counts over the whole file, not the sample alone. */
export interface TraceTotals {
  readonly reads: number;
  readonly writes: number;
  readonly removals: number;
  /** Keys that are read or written; an estimate where the trace is a sample. */
  readonly keys: number;
  /** Keys that are read at all, and those that are read once and no more. */
  readonly readKeys: number;
  readonly onceKeys: number;
  /** Bytes of all keys' values together; `undefined` without sizes. */
  readonly bytes: number | undefined;
  /** The share of the keys whose size the trace does not tell. 1 without sizes. */
  readonly unsizedShare: number;
  /** From the first request to the last, in milliseconds; `undefined` without times. */
  readonly milliseconds: number | undefined;
  readonly ignoredLines: number;
  readonly warnings: readonly string[];
}
