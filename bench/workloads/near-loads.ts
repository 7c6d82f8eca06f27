import { seededRandom } from '../../src/testing/seeded-random.ts';
import type { Key, NearCache } from '../competitors/adapter.ts';
import { nearCapacity, operationsPerStep, stepsAtOnce, universe } from './near-sizes.ts';
import { zipfSequence } from './zipf.ts';

/** Every tenth request of the Zipf load is a write. */
const writeEvery = 10;

/** Of each 10,000 requests of the Zipf load the answers to so many are looked at. */
const checkedAnswers = 20;

/** Requests of the Zipf load; then it begins anew. */
const zipfRequests = 100 * stepsAtOnce * operationsPerStep;

/** A load on one cache. Each `stepsAtOnce` steps come after one call of `before`. Either throws if the cache answers wrongly. */
export interface Load {
  /** Lays out the keys that are asked for next, as a server has them in hand; what that costs does not count. It must not look at what is in a key: a fresh text is one that nobody has hashed yet. */
  before(): void;
  /** Does `operationsPerStep` operations. */
  step(): void;
}

/** The load of a case. `key` tells the key of a number, `anew` one that nobody has looked at yet. */
export function openLoad(
  caseName: string,
  cache: NearCache,
  key: (number: number) => Key,
  anew: (number: number) => Key,
): Load {
  if (caseName.startsWith('get')) return gets(cache, key, caseName.includes('fresh') ? anew : key);
  return caseName.startsWith('set') ? sets(cache, key) : zipf(cache, key);
}

/** Hits. `asked` makes the key of a request. */
function gets(cache: NearCache, key: (number: number) => Key, asked: (number: number) => Key): Load {
  for (let number = 0; number < nearCapacity; number++) cache.set(key(number), { id: number });
  const random = seededRandom(7);
  const order = new Int32Array(stepsAtOnce * operationsPerStep);
  let keys: Key[] = [];
  let at = 0;
  return {
    before() {
      for (let index = 0; index < order.length; index++) order[index] = Math.floor(random() * nearCapacity);
      keys = Array.from(order, (number) => asked(number));
      at = 0;
    },
    step() {
      let missed = 0;
      const end = at + operationsPerStep;
      for (let index = at; index < end; index++) {
        if (cache.get(keys[index]!)?.id !== order[index]) missed++;
      }
      at = end;
      if (missed > 0) throw new Error(`${missed} of ${operationsPerStep} gets were no hits`);
    },
  };
}

/** New keys, each of which pushes another one out. */
function sets(cache: NearCache, key: (number: number) => Key): Load {
  // Other keys than those that follow: a policy that does not let a scan push out what it has would find those it kept when they come round again.
  const other =
    typeof key(0) === 'number' ? (number: number) => -number : (number: number) => `other:${number}`;
  for (let number = 0; number < nearCapacity; number++) cache.set(other(number), { id: number });
  let keys: Key[] = [];
  let begin = -stepsAtOnce * operationsPerStep;
  let at = 0;
  return {
    before() {
      begin = (begin + stepsAtOnce * operationsPerStep) % universe;
      keys = Array.from({ length: stepsAtOnce * operationsPerStep }, (_, index) => key(begin + index));
      at = 0;
    },
    step() {
      const end = at + operationsPerStep;
      for (let index = at; index < end; index++) cache.set(keys[index]!, { id: begin + index });
      at = end;
      if (cache.get(keys[end - 1]!)?.id !== begin + end - 1)
        throw new Error('what was set last is not there');
    },
  };
}

/** Read-through of a Zipf(0.99) load; a tenth of it writes. */
function zipf(cache: NearCache, key: (number: number) => Key): Load {
  const sequence = zipfSequence(universe, zipfRequests, 0.99, 11);
  const keys = Array.from(sequence, (number) => key(number));
  let at = 0;
  return {
    // Answers are looked at here, uncounted: each value is somewhere else in memory, and waiting for that is not the cache's.
    before() {
      const empty = at === 0;
      if (at === zipfRequests) at = 0;
      let found = 0;
      for (let index = at; index < at + checkedAnswers; index++) {
        const answer = cache.get(keys[index]!);
        if (answer === undefined) continue;
        if (answer.id !== sequence[index]) throw new Error(`the value of another key than ${keys[index]!}`);
        found++;
      }
      if (found === 0 && !empty) throw new Error(`none of ${checkedAnswers} gets was a hit`);
    },
    step() {
      const end = at + operationsPerStep;
      for (let index = at; index < end; index++) {
        const asked = keys[index]!;
        if (index % writeEvery === 0 || cache.get(asked) === undefined)
          cache.set(asked, { id: sequence[index]! });
      }
      at = end;
    },
  };
}
