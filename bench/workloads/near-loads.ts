import { seededRandom } from '../../src/testing/seeded-random.ts';
import type { Key, NearCache } from '../competitors/adapter.ts';
import { zipfSequence } from './zipf.ts';

/** Entries that the caches may hold, and keys that there are. */
export const nearCapacity = 100_000;
export const universe = 1_000_000;

/** Operations of one step. */
export const operationsPerStep = 2000;

/** Steps between two calls of `before`. */
export const stepsAtOnce = 5;

/** Every tenth request of the Zipf load is a write. */
const writeEvery = 10;

/** Requests of the Zipf load; then it begins anew. A power of two. */
const zipfRequests = 1 << 20;

/** A load on one cache, step by step. */
export interface Load {
  /** Comes before each `stepsAtOnce` steps, and does not count: what it costs to make keys, or to find them. */
  readonly before?: () => void;
  readonly step: () => void;
}

/** Hits. `asked` makes the key of a request. */
export function gets(cache: NearCache, key: (number: number) => Key, asked: (number: number) => Key): Load {
  for (let number = 0; number < nearCapacity; number++) cache.set(key(number), { id: number });
  const random = seededRandom(7);
  const order = new Int32Array(stepsAtOnce * operationsPerStep);
  let keys: Key[] = [];
  let taken = 0;
  return {
    before() {
      for (let index = 0; index < order.length; index++) order[index] = Math.floor(random() * nearCapacity);
      keys = Array.from(order, (number) => asked(number));
      taken = 0;
    },
    step() {
      let missed = 0;
      const end = taken + operationsPerStep;
      for (let index = taken; index < end; index++) {
        if (cache.get(keys[index]!)?.id !== order[index]) missed++;
      }
      taken = end;
      if (missed > 0) throw new Error(`${missed} of ${operationsPerStep} gets were no hits`);
    },
  };
}

/** New keys, each of which pushes another one out. */
export function sets(cache: NearCache, key: (number: number) => Key): Load {
  // Other keys than those that follow: a policy that does not let a scan push out what it has would find those it kept when they come round again.
  const other =
    typeof key(0) === 'number' ? (number: number) => -number : (number: number) => `other:${number}`;
  for (let number = 0; number < nearCapacity; number++) cache.set(other(number), { id: number });
  let next = 0;
  return {
    step() {
      for (let count = 0; count < operationsPerStep; count++) {
        cache.set(key(next), { id: next });
        if (++next === universe) next = 0;
      }
    },
  };
}

/** Read-through of a Zipf(0.99) load; a tenth of it writes. */
export function zipf(cache: NearCache, key: (number: number) => Key): Load {
  const sequence = zipfSequence(universe, zipfRequests, 0.99, 11);
  const keys = Array.from(sequence, (number) => key(number));
  let at = 0;
  return {
    step() {
      for (let count = 0; count < operationsPerStep; count++) {
        const asked = keys[at]!;
        const number = sequence[at]!;
        at = (at + 1) & (zipfRequests - 1);
        if (at % writeEvery === 0 || cache.get(asked) === undefined) cache.set(asked, { id: number });
      }
    },
  };
}
