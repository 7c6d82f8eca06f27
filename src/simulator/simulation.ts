import type { Policy } from '../policies/policy.ts';
import { correctedMissRatio } from '../policies/sampled-curve-correction.ts';
import type { PolicyMaker, SimulatedPolicy } from './simulated-policy.ts';
import type { Trace } from './trace.ts';
import { read, remove } from './trace-format.ts';

export interface SimulationOptions {
  readonly policy: SimulatedPolicy;
  /** Room in entries or bytes, for the whole trace: a sample of it gets as much less. */
  readonly capacity: number;
  /** What room is counted in. Bytes need a trace with sizes. Default entries. */
  readonly unit?: 'entries' | 'bytes';
  /** How long an entry lives from when it came in or was written, in milliseconds. Default for good. */
  readonly ttl?: number;
  /** The time of each request where the trace has none: so many requests come per second. */
  readonly requestsPerSecond?: number;
  /** From which chance comes. Default 1. */
  readonly seed?: number;
  /** A clock in milliseconds, to tell what a request costs. */
  readonly now: () => number;
}

export interface SimulationResult {
  /** The share of the reads that was answered, 0 to 1. */
  readonly hitRatio: number;
  /** The share of the bytes read that was answered; `undefined` without sizes. */
  readonly byteHitRatio: number | undefined;
  /** Wall-clock time of a request of the trace, simulation and all. */
  readonly nsPerRequest: number;
  /** Reads of keys that are larger than the whole cache: they are never kept. */
  readonly tooLarge: number;
}

/**
 * Runs a policy over a trace as a read-through cache would: a read that misses puts the entry in, a write puts it in or renews it and counts
 * neither as hit nor as miss, a removal takes it out.
 *
 * A sampled trace runs in a cache that is smaller by the same rate (Waldspurger, Saemundsson, Ahmad and Park, "Cache Modeling and
 * Optimization using Miniature Simulations", ATC '17), whatever the policy, and its result is corrected for what the sample lacks.
 *
 * Memory: 8 bytes per key of the trace, and what the policy takes per entry.
 */
export function simulate(trace: Trace, maker: PolicyMaker, options: SimulationOptions): SimulationResult {
  const capacity = Math.max(1, Math.round(options.capacity * trace.rate));
  const run = new Run(trace, maker, options, capacity);
  const plain = options.unit !== 'bytes' && options.ttl === undefined && trace.operations === undefined;
  const start = options.now();
  if (plain && trace.rate === 1 && trace.sizes === undefined) run.readEntries();
  else run.all();
  const nanoseconds = (options.now() - start) * 1e6;
  return {
    hitRatio: run.hitRatio(),
    byteHitRatio: trace.sizes === undefined || run.readBytes === 0 ? undefined : run.hitBytes / run.readBytes,
    nsPerRequest: nanoseconds / Math.max(1, trace.requests.length),
    tooLarge: run.tooLarge,
  };
}

class Run {
  reads = 0;
  hits = 0;
  readBytes = 0;
  hitBytes = 0;
  tooLarge = 0;
  readonly #trace: Trace;
  readonly #options: SimulationOptions;
  readonly #capacity: number;
  readonly #policy: Policy;
  /** The slot of each key, -1 outside; the key of each slot; and slots that are free again. */
  readonly #slots: Int32Array;
  readonly #keys: Int32Array;
  readonly #free: number[] = [];
  #nextSlot = 0;
  /** By slot: when the entry dies. */
  readonly #deaths: Float64Array;
  /** By key, of a sample: what `correctedMissRatio` asks for. */
  readonly #missesOf: Int32Array | undefined;

  constructor(trace: Trace, maker: PolicyMaker, options: SimulationOptions, capacity: number) {
    this.#trace = trace;
    this.#options = options;
    this.#capacity = capacity;
    const { hashes, sizes } = trace;
    const slots = options.unit === 'bytes' ? hashes.length : Math.min(capacity, hashes.length);
    const keys = new Int32Array(slots);
    this.#keys = keys;
    this.#slots = new Int32Array(hashes.length).fill(-1);
    this.#deaths = new Float64Array(options.ttl === undefined ? 0 : slots);
    if (trace.rate < 1) this.#missesOf = new Int32Array(hashes.length);
    this.#policy = maker.make(options.policy, {
      capacity,
      seed: options.seed ?? 1,
      hashOf: (slot) => hashes[keys[slot]!]!,
      weightOf: options.unit === 'bytes' && sizes !== undefined ? (slot) => sizes[keys[slot]!]! : undefined,
    });
  }

  /** The usual case, reads of entries that weigh 1 and live for good, as fast as it goes. */
  readEntries(): void {
    const { requests, hashes } = this.#trace;
    const slots = this.#slots;
    const keys = this.#keys;
    const policy = this.#policy;
    const capacity = this.#capacity;
    let inside = 0;
    let hits = 0;
    for (let at = 0; at < requests.length; at++) {
      const key = requests[at]!;
      let slot = slots[key]!;
      if (slot >= 0) {
        policy.hit(slot);
        hits++;
        continue;
      }
      policy.miss(hashes[key]!);
      if (inside < capacity) {
        slot = inside++;
      } else {
        slot = policy.victim();
        policy.remove(slot);
        slots[keys[slot]!] = -1;
      }
      keys[slot] = key;
      slots[key] = slot;
      policy.insert(slot);
    }
    this.reads = requests.length;
    this.hits = hits;
  }

  all(): void {
    const { requests, operations, sizes } = this.#trace;
    const { ttl, unit, policy: name } = this.#options;
    const timeOf = this.#timeOf();
    const policy = this.#policy;
    for (let at = 0; at < requests.length; at++) {
      const key = requests[at]!;
      const operation = operations === undefined ? read : operations[at]!;
      let slot = this.#slots[key]!;
      if (slot >= 0 && (operation === remove || (ttl !== undefined && this.#deaths[slot]! <= timeOf(at)))) {
        this.#leave(slot);
        slot = -1;
      }
      if (operation === remove) continue;
      const bytes = sizes === undefined ? 0 : sizes[key]!;
      if (operation === read) {
        this.reads++;
        this.readBytes += bytes;
      }
      if (slot >= 0) {
        policy.hit(slot);
        if (operation === read) {
          this.hits++;
          this.hitBytes += bytes;
          continue;
        }
      } else {
        if (operation === read && this.#missesOf !== undefined) this.#missesOf[key]!++;
        const weight = unit === 'bytes' ? bytes : 1;
        if (weight > this.#capacity) {
          if (operation === read) this.tooLarge++;
          // The optimum counts the requests that it is told of.
          if (name === 'belady') policy.miss(this.#trace.hashes[key]!);
          continue;
        }
        slot = this.#enter(key, weight);
      }
      if (ttl !== undefined) this.#deaths[slot] = timeOf(at) + ttl;
    }
  }

  hitRatio(): number {
    if (this.reads === 0) return 0;
    if (this.#missesOf === undefined) return this.hits / this.reads;
    const { readsOf, rate, total } = this.#trace;
    let weight = 0;
    let missedWeight = 0;
    for (let key = 0; key < readsOf.length; key++) {
      weight += readsOf[key]! ** 2;
      missedWeight += readsOf[key]! * this.#missesOf[key]!;
    }
    const missed = this.reads - this.hits;
    return (
      1 -
      correctedMissRatio({ rate, requests: total.reads, recorded: this.reads, missed, weight, missedWeight })
    );
  }

  #timeOf(): (at: number) => number {
    const { times } = this.#trace;
    const { requestsPerSecond } = this.#options;
    if (requestsPerSecond === undefined && times !== undefined) return (at) => times[at]!;
    const milliseconds = 1000 / (requestsPerSecond ?? 1) / this.#trace.rate;
    return (at) => at * milliseconds;
  }

  #enter(key: number, weight: number): number {
    const policy = this.#policy;
    policy.miss(this.#trace.hashes[key]!);
    while (policy.weight + weight > this.#capacity) this.#leave(policy.victim());
    const slot = this.#free.pop() ?? this.#nextSlot++;
    this.#keys[slot] = key;
    this.#slots[key] = slot;
    policy.insert(slot);
    return slot;
  }

  #leave(slot: number): void {
    this.#policy.remove(slot);
    this.#slots[this.#keys[slot]!] = -1;
    this.#free.push(slot);
  }
}
