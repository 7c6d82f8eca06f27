import type { Key, NearCache, NearModule } from '../competitors/adapter.ts';
import type { Runner, Sample } from '../harness/contest.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';
import { zipfSequence } from './zipf.ts';

/** Entries that the caches may hold, and keys that there are. */
export const nearCapacity = 100_000;
const universe = 1_000_000;

/** After so many operations other work of the event loop gets its turn, as in a server, and clocks that are kept for a turn are read again. */
const operationsPerTurn = 2000;

const turnsAtOnce = 5;

/** Every tenth request of the Zipf load is a write. */
const writeEvery = 10;

/** Requests of the Zipf load; then it begins anew. A power of two. */
const zipfRequests = 1 << 20;

type Step = (from: number) => number;

/**
 * Operations of a cache inside the process, at 100,000 entries: gets that hit (of strings that are kept, of strings that nobody has hashed yet, of integers), sets of
 * new keys that evict, and a read-through Zipf(0.99) load over a million keys.
 */
export async function open(adapter: unknown, parameters: Record<string, unknown>): Promise<Runner> {
  const { openNearCache } = adapter as NearModule;
  const open = (): NearCache => openNearCache(nearCapacity, parameters);
  const runners = new Map<string, { readonly step: Step; readonly before?: (() => void) | undefined }>();
  const text = (number: number): string =>
    Buffer.from(`product:${String(number).padStart(16, '0')}`).toString('latin1');
  let texts: readonly string[] | undefined;
  const keysOf = (caseName: string): ((number: number) => Key) => {
    if (caseName.includes('integer')) return (number) => 1_000_000 + number;
    texts ??= Array.from({ length: universe }, (_, number) => text(number));
    const all = texts;
    return (number) => all[number]!;
  };

  const prepared = (
    caseName: string,
  ): { readonly step: Step; readonly before?: (() => void) | undefined } => {
    if (caseName.startsWith('get'))
      return gets(open(), keysOf(caseName), caseName.includes('fresh') ? text : undefined);
    if (caseName.startsWith('set')) return { step: sets(open(), keysOf(caseName)) };
    return { step: zipf(open(), keysOf(caseName)) };
  };

  return {
    async measure(caseName, milliseconds): Promise<Sample> {
      let runner = runners.get(caseName);
      // One cache at a time, so that each case has the processor's caches to itself.
      if (runner === undefined) {
        runners.clear();
        runner = prepared(caseName);
        runners.set(caseName, runner);
        for (let turn = 0; turn < 400; turn++) {
          if (turn % turnsAtOnce === 0) runner.before?.();
          runner.step(turn * operationsPerTurn);
        }
      }
      let operations = 0;
      let cpuMicroseconds = 0;
      let wallMilliseconds = 0;
      const begun = performance.now();
      do {
        runner.before?.();
        await new Promise(setImmediate);
        const wall = performance.now();
        const cpu = process.cpuUsage();
        for (let turn = 0; turn < turnsAtOnce; turn++) operations += runner.step(operations);
        const { user, system } = process.cpuUsage(cpu);
        cpuMicroseconds += user + system;
        wallMilliseconds += performance.now() - wall;
      } while (performance.now() - begun < milliseconds);
      return { operations, cpuMicroseconds, wallMilliseconds };
    },
    async close() {},
  };
}

function gets(
  cache: NearCache,
  key: (number: number) => Key,
  fresh: ((number: number) => string) | undefined,
): { readonly step: Step; readonly before?: (() => void) | undefined } {
  for (let number = 0; number < nearCapacity; number++) cache.set(key(number), { id: number });
  const chance = seededRandom(7);
  const random = (count: number): number => Math.floor(chance() * count);
  const order = Int32Array.from({ length: 1 << 17 }, () => random(nearCapacity));
  let built: string[] = [];
  let taken = 0;
  let begin = 0;
  // Texts as they come out of a request: nobody has looked at them yet. What it costs to make them is not counted.
  const before = (): void => {
    taken = 0;
    begin = random(order.length - turnsAtOnce * operationsPerTurn);
    built = Array.from({ length: turnsAtOnce * operationsPerTurn }, (_, index) =>
      fresh!(order[begin + index]!),
    );
  };
  const step = (from: number): number => {
    let missed = 0;
    for (let count = 0; count < operationsPerTurn; count++) {
      const place = fresh === undefined ? (from + count) & (order.length - 1) : taken + count;
      const number = order[fresh === undefined ? place : begin + place]!;
      const found = cache.get(fresh === undefined ? key(number) : built[place]!);
      if (found?.id !== number) missed++;
    }
    taken += operationsPerTurn;
    if (missed > 0) throw new Error(`${missed} of ${operationsPerTurn} gets were no hits`);
    return operationsPerTurn;
  };
  return { step, before: fresh === undefined ? undefined : before };
}

function sets(cache: NearCache, key: (number: number) => Key): Step {
  // Other keys than those that follow: a policy that does not let a scan push out what it has would find those it kept when they come round again.
  const other =
    typeof key(0) === 'number' ? (number: number) => -number : (number: number) => `other:${number}`;
  for (let number = 0; number < nearCapacity; number++) cache.set(other(number), { id: number });
  let next = 0;
  return () => {
    for (let count = 0; count < operationsPerTurn; count++) {
      cache.set(key(next), { id: next });
      if (++next === universe) next = 0;
    }
    return operationsPerTurn;
  };
}

function zipf(cache: NearCache, key: (number: number) => Key): Step {
  const sequence = zipfSequence(universe, zipfRequests, 0.99, 11);
  let at = 0;
  return () => {
    for (let count = 0; count < operationsPerTurn; count++) {
      const number = sequence[at]!;
      at = (at + 1) & (zipfRequests - 1);
      if (at % writeEvery === 0 || cache.get(key(number)) === undefined)
        cache.set(key(number), { id: number });
    }
    return operationsPerTurn;
  };
}
