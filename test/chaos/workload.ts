import { seededRandom } from '../../src/testing/seeded-random.ts';
import type { Application } from './application.ts';
import { SteadyLoad } from './steady-load.ts';
import { freshId } from './watched-store.ts';

export interface WorkloadOptions {
  /** How many rows there are that are asked for again and again. */
  readonly keys: number;
  /** The chance of the row on rank r is 1 / r^skew. 0: all alike. */
  readonly skew: number;
  /** Reads in a second, of all rows. */
  readonly reads: number;
  /** The share of the reads that are for rows that nobody has asked for before: one less the hit ratio. */
  readonly fresh: number;
  /** Writes in a second, of any of the rows. */
  readonly writes: number;
  readonly seed: number;
}

/** What the users of an application do: reads with a known hit ratio, and some writes. */
export class Workload {
  readonly ids: readonly string[];
  readonly #draw: () => string;
  readonly #loads: readonly SteadyLoad[];

  constructor(application: Application, options: WorkloadOptions) {
    const { keys, skew, reads, fresh, writes, seed } = options;
    const random = seededRandom(seed);
    this.ids = Array.from({ length: keys }, (_, rank) => `k${rank}`);
    this.#draw = zipf(this.ids, skew, random);
    let made = 0;
    this.#loads = [
      new SteadyLoad(reads, () => {
        void application.read(random() < fresh ? freshId(made++) : this.#draw());
      }),
      new SteadyLoad(writes, () => void application.write(this.ids[Math.floor(random() * keys)]!)),
    ];
  }

  start(): void {
    for (const each of this.#loads) each.start();
  }

  stop(): void {
    for (const each of this.#loads) each.stop();
  }
}

/** Draws by Zipf's law: the first id is the one that is asked for most. */
export function zipf(ids: readonly string[], exponent: number, random: () => number): () => string {
  const sums = new Float64Array(ids.length);
  let sum = 0;
  for (let rank = 0; rank < ids.length; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return () => {
    const drawn = random() * sum;
    let low = 0;
    let high = ids.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < drawn) low = middle + 1;
      else high = middle;
    }
    return ids[low]!;
  };
}
