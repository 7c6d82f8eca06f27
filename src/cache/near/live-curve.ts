import { SampledCurve } from '../../policies/sampled-curve.ts';

/** Keys in the sample at most, and the share of the keys at most: what precision and what a request costs. */
const samples = 2048;
const rate = 1 / 64;

/** How far the curve looks, in multiples of what the tier has room for. */
const reach = 4;

/** How often it is looked up how far that is, in sampled requests: before a sample of keys that are gone fills up. */
const entriesEvery = 256;

/** Everything counted counts half after so many sampled requests. */
const memory = 64 * samples;

/** Fewer sampled requests tell nothing. */
const least = 512;

/** What a near tier of another size would answer, estimated. */
export interface SizeEstimate {
  /** The share of the requests, 0 to 1, that the tier answers by this estimate as large as it is, and how much larger the share would be with half, twice and four times the memory. */
  readonly hitRatio: number;
  readonly half: number;
  readonly double: number;
  readonly fourfold: number;
  /** Keys that were asked for of late, as far as four times the memory would hold them. */
  readonly distinct: number;
  /** The same in words. */
  readonly text: string;
}

/** What the curve has to know of its tier. */
export interface Room {
  /** Entries inside. */
  readonly resident: number;
  /** How many like those there is room for; 0 if none is inside. */
  readonly fitting: number;
  /** Entries have had to go for others. */
  readonly overflowed: boolean;
}

/**
 * The hit-ratio curve of the requests that a near tier gets, from a sample of at most one key in 64: a request that is not
 * in it costs one comparison. It is LRU's curve: the policy in use has more hits, and gains about as much by more memory. Constant memory, 130 KB.
 */
export class LiveCurve {
  #curve: SampledCurve | undefined;
  /** Half of the threshold below which hashes are sampled: a small whole number to V8, which the threshold is not. */
  #limit = 0;
  #requests = 0;
  #recorded = 0;
  readonly #room: Room;

  constructor(enabled: boolean, room: Room) {
    this.#room = room;
    if (!enabled) return;
    this.#curve = new SampledCurve({ samples, rate });
    this.#limit = halfOf(this.#curve.threshold);
  }

  /** Requests that the curve was not told of yet: for tests. */
  get requests(): number {
    return this.#requests;
  }

  /** A key with this hash was asked for. */
  request(hash: number): void {
    this.#requests++;
    if (hash >>> 1 < this.#limit) this.#record(hash);
  }

  /** `undefined`: too little is known. */
  estimate(): SizeEstimate | undefined {
    const curve = this.#curve;
    const { resident, fitting, overflowed } = this.#room;
    if (curve === undefined || this.#recorded < least || fitting === 0) return undefined;
    this.#count(curve);
    // The sample knows a size but roughly: where nothing has had to go yet, all fits into what is inside.
    const all = overflowed ? Number.POSITIVE_INFINITY : resident;
    const ratio = (factor: number): number =>
      curve.hitRatio(factor * fitting >= all ? Number.POSITIVE_INFINITY : factor * fitting);
    const hitRatio = ratio(1);
    const change = (factor: number): number => ratio(factor) - hitRatio;
    const [half, double, fourfold] = [change(0.5), change(2), change(4)];
    const points = (100 * double).toFixed(1);
    return {
      hitRatio,
      half,
      double,
      fourfold,
      distinct: curve.distinct,
      text: `twice the memory would give +${points} points`,
    };
  }

  #record(hash: number): void {
    const curve = this.#curve!;
    if (hash >>> 0 >= curve.threshold) return;
    if (this.#recorded % entriesEvery === 0) curve.horizon = Math.max(1, reach * this.#room.fitting);
    curve.record(hash);
    this.#limit = halfOf(curve.threshold);
    if (++this.#recorded % memory === 0) {
      this.#count(curve);
      curve.age();
    }
  }

  #count(curve: SampledCurve): void {
    curve.count(this.#requests);
    this.#requests = 0;
  }
}

function halfOf(threshold: number): number {
  return Math.ceil(threshold / 2);
}
