import type { Key, LoadingCache, LoadingModule, Product } from '../competitors/adapter.ts';
import type { Runner, Sample } from '../harness/contest.ts';

/** A power of two, so that going round is a mask. Small enough to be about the cache and not about the processor's. */
const residentKeys = 1024;
/** After so many operations other work of the event loop gets its turn, as in a server: clocks that are kept for a turn are read again. */
const operationsPerTurn = 1000;

/** Every hit of a key that is there, either awaited one after the other or a hundred at a time in `Promise.all`. */
export async function open(adapter: unknown, parameters: Record<string, unknown>): Promise<Runner> {
  const { openLoadingCache } = adapter as LoadingModule;
  let loads = 0;
  const load = async (key: Key): Promise<Product> => {
    loads += 1;
    return { id: key, name: `Product ${key}`, price: 1999, stock: 7 };
  };
  const strings = Array.from(
    { length: residentKeys },
    (_, index) => `product:${String(index).padStart(16, '0')}`,
  );
  const integers = Array.from({ length: residentKeys }, (_, index) => 1_000_000 + index);
  const kinds = new Map<string, readonly Key[]>([
    ['string keys', strings],
    ['integer keys', integers],
  ]);
  const caches = new Map<string, LoadingCache>();
  for (const [kind, keys] of kinds) {
    const cache = openLoadingCache(load, parameters);
    caches.set(kind, cache);
    for (const key of keys) {
      for (let time = 0; time < 2; time++) {
        const product = await cache.get(key);
        if (product?.id !== key) throw new Error(`asked for ${key}, got ${JSON.stringify(product)}`);
      }
    }
  }
  const loadsToFill = 2 * residentKeys;

  return {
    async measure(caseName, milliseconds): Promise<Sample> {
      const [kind, manner] = caseName.split(', ') as [string, string];
      const cache = caches.get(kind)!;
      const keys = kinds.get(kind)!;
      const run = manner === 'one after the other' ? oneAfterTheOther : hundredAtOnce;
      let operations = 0;
      let prices = 0;
      const wall = performance.now();
      const cpu = process.cpuUsage();
      do {
        prices += await run(cache, keys, operations);
        operations += operationsPerTurn;
        await new Promise(setImmediate);
      } while (performance.now() - wall < milliseconds);
      const { user, system } = process.cpuUsage(cpu);
      const wallMilliseconds = performance.now() - wall;
      if (prices !== operations * 1999) throw new Error(`${operations} answers added up to ${prices}`);
      if (loads !== loadsToFill)
        throw new Error(`${loads} loads for ${loadsToFill} keys: not every read was a hit`);
      return { operations, cpuMicroseconds: user + system, wallMilliseconds };
    },
    async close() {},
  };
}

async function oneAfterTheOther(cache: LoadingCache, keys: readonly Key[], from: number): Promise<number> {
  let prices = 0;
  for (let index = from; index < from + operationsPerTurn; index++) {
    const product = await cache.get(keys[index & (residentKeys - 1)]!);
    prices += product!.price;
  }
  return prices;
}

async function hundredAtOnce(cache: LoadingCache, keys: readonly Key[], from: number): Promise<number> {
  let prices = 0;
  const batch = Array.from<ReturnType<LoadingCache['get']>>({ length: 100 });
  for (let index = from; index < from + operationsPerTurn;) {
    for (let place = 0; place < 100; place++, index++) {
      batch[place] = cache.get(keys[index & (residentKeys - 1)]!);
    }
    // oxlint-disable-next-line typescript/await-thenable -- A cache may answer a hit without a promise; `Promise.all` takes both.
    for (const product of await Promise.all(batch)) prices += product!.price;
  }
  return prices;
}
