import { SampledCurve } from '../policies/sampled-curve.ts';
import type { Trace } from './trace.ts';
import { read } from './trace-format.ts';

/** A size of a cache, and the hit ratio that LRU has there. */
export interface CurvePoint {
  readonly entries: number;
  readonly hitRatio: number;
}

/** Keys that the curve is exact for; a trace with more is sampled. */
const samples = 1 << 20;

/** The hit ratio of LRU at any size, from one run over the trace's reads. 60 MB while it runs. */
export class HitRatioCurve {
  readonly #curve: SampledCurve;
  /** Room for so many entries keeps every key. */
  readonly largest: number;

  constructor(trace: Trace) {
    const keys = Math.max(16, Math.min(samples, trace.hashes.length));
    const curve = new SampledCurve({ samples: keys, rate: trace.rate });
    const { requests, operations, sampleHashes } = trace;
    for (let at = 0; at < requests.length; at++) {
      if (operations !== undefined && operations[at] !== read) continue;
      const hash = sampleHashes[requests[at]!]!;
      if (hash >>> 0 < curve.threshold) curve.record(hash);
    }
    curve.count(trace.total.reads);
    this.#curve = curve;
    this.largest = Math.max(1, trace.total.readKeys);
  }

  hitRatio(entries: number): number {
    return this.#curve.hitRatio(entries);
  }

  /** Whether every key was followed: then the curve is exact. */
  get exact(): boolean {
    return this.#curve.threshold === 2 ** 32;
  }

  /** The hit ratio when everything fits: the rest are first reads. */
  get reachable(): number {
    return this.hitRatio(this.largest);
  }

  /** The smallest room with at least this hit ratio, `undefined` if none has it. */
  entriesFor(hitRatio: number): number | undefined {
    if (this.reachable < hitRatio) return undefined;
    let [low, high] = [1, this.largest];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.hitRatio(middle) >= hitRatio) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * Where more room begins to buy little: the point farthest above the line from no room to room for all. Source: Satopää,
   * Albrecht, Irwin and Raghavan, "Finding a 'Kneedle' in a Haystack" (2011), without its smoothing, as the curve only rises.
   */
  get knee(): CurvePoint {
    const { largest, reachable } = this;
    let knee: CurvePoint = { entries: largest, hitRatio: reachable };
    let farthest = 0;
    for (let step = 1; step <= 400; step++) {
      const entries = Math.max(1, Math.round(largest ** (step / 400)));
      const hitRatio = this.hitRatio(entries);
      const above = reachable === 0 ? 0 : hitRatio / reachable - entries / largest;
      if (above > farthest) [farthest, knee] = [above, { entries, hitRatio }];
    }
    return knee;
  }
}

/** The room to give a cache that needs so many entries: what people ask for grows. */
export function withHeadroom(entries: number): number {
  return Math.ceil(entries * 1.3);
}
