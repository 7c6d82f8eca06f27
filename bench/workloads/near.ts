import type { Key, NearCache, NearModule } from '../competitors/adapter.ts';
import type { Runner, Sample } from '../harness/contest.ts';
import type { Load, openLoad } from './near-loads.ts';
import { nearCapacity, operationsPerStep, stepsAtOnce, universe } from './near-sizes.ts';

interface NearLoads {
  readonly openLoad: typeof openLoad;
}

/**
 * Operations of a cache inside the process, at 100,000 entries: gets that hit (of strings that are kept, of strings that nobody has hashed yet, of integers), sets of
 * new keys that evict, and a read-through Zipf(0.99) load over a million keys.
 */
export async function open(adapter: unknown, parameters: Record<string, unknown>): Promise<Runner> {
  const { openNearCache } = adapter as NearModule;
  const open = (): NearCache => openNearCache(nearCapacity, parameters);
  // Made anew for each key, and flat, as texts that come out of a request.
  const text = (number: number): string =>
    Buffer.from(`product:${String(number).padStart(16, '0')}`).toString('latin1');
  let texts: readonly string[] | undefined;
  const keysOf = (caseName: string): ((number: number) => Key) => {
    if (caseName.includes('integer')) return (number) => 1_000_000 + number;
    texts ??= Array.from({ length: universe }, (_, number) => text(number));
    const all = texts;
    return (number) => all[number]!;
  };

  const prepared = async (caseName: string): Promise<Load> => {
    // A module of its own per case: V8 keeps with the code what it has seen there, and a loop that has asked for two kinds of keys costs a fifth of a hit more.
    const instance = (await import(`./near-loads.ts?${encodeURIComponent(caseName)}`)) as NearLoads;
    return instance.openLoad(caseName, open(), keysOf(caseName), text);
  };

  // One cache at a time, so that each case has the processor's caches to itself.
  let current: { readonly caseName: string; readonly load: Load } | undefined;

  return {
    async measure(caseName, milliseconds): Promise<Sample> {
      if (current?.caseName !== caseName) {
        current = undefined;
        current = { caseName, load: await prepared(caseName) };
        for (let step = 0; step < 400; step++) {
          if (step % stepsAtOnce === 0) current.load.before();
          current.load.step();
        }
      }
      const { load } = current;
      let operations = 0;
      let cpuMicroseconds = 0;
      let wallMilliseconds = 0;
      const begun = performance.now();
      do {
        load.before();
        // Other work of the event loop gets its turn, as in a server, and clocks that are kept for a turn are read again.
        await new Promise(setImmediate);
        const wall = performance.now();
        const cpu = process.cpuUsage();
        for (let step = 0; step < stepsAtOnce; step++) load.step();
        const { user, system } = process.cpuUsage(cpu);
        operations += stepsAtOnce * operationsPerStep;
        cpuMicroseconds += user + system;
        wallMilliseconds += performance.now() - wall;
      } while (performance.now() - begun < milliseconds);
      return { operations, cpuMicroseconds, wallMilliseconds };
    },
    async close() {},
  };
}
